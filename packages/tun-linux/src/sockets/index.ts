export { TcpSockets, type TcpSocketInfo } from "./tcp-sockets.ts";
