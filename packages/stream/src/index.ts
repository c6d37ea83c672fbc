export type { CarryStats } from "./datagrams/carry-counters.ts";
export type { CarryLimits } from "./datagrams/carry-protocol.ts";
export { DatagramCarrier, type DatagramCarrierOptions } from "./datagrams/datagram-carrier.ts";
export type { DatagramError } from "./datagrams/error-queue.ts";
export {
  DatagramSessions,
  type DatagramHeader,
  type DatagramOptions,
  type DatagramStats,
} from "./datagrams/sessions.ts";
export { PortableCarrier, type PortableCarrierOptions } from "./datagrams/portable-carrier.ts";
export { affordableFlows, type Affordable, type DescriptorShares } from "./descriptors.ts";
export { StreamError, type StreamErrorCode } from "./errors.ts";
export type { OutsideOptions } from "./loop/outside.ts";
export type { ProxyUser } from "./proxy/socks5.ts";
export { startSpareRelay, StreamRelay } from "./relay.ts";
export { RelayGroup, type RelayGroupOptions } from "./relay-group.ts";
export type * from "./relay-options.ts";
export type { SocketSystem } from "./sockets/of-form.ts";
export type { StreamForm } from "./sockets/sockets.ts";
export { leftOut, type LeftOut } from "./rules.ts";
