// What tests of several packages need of the Linux underneath.
export { PacketSocket } from "./packet-socket.ts";
