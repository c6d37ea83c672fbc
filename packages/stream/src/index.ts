export { DatagramSessions, type DatagramOptions, type DatagramStats } from "./datagrams/sessions.ts";
export { StreamError, type StreamErrorCode } from "./errors.ts";
export type { OutsideOptions } from "./loop/outside.ts";
export type { ProxyUser } from "./proxy/socks5.ts";
export { StreamRelay } from "./relay.ts";
export type * from "./relay-options.ts";
export type { SocketSystem } from "./sockets/of-form.ts";
export type { StreamForm } from "./sockets/sockets.ts";
export { leftOut, type LeftOut } from "./rules.ts";
