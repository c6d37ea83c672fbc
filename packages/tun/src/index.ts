export * from "./dns.ts";
export * from "./driver.ts";
export * from "./interface.ts";
export * from "./neighbours.ts";
export * from "./routes.ts";
export * from "./tun.ts";
export * from "./watch.ts";
export { DeviceError, MemoryDevice, readPackets, sendPacket } from "@bunnel/device";
export type { DeviceErrorCode, DeviceOptions, TunDevice } from "@bunnel/device";
export type {
  AddressFlag,
  AddressInfo,
  AddressOptions,
  DnsOptions,
  LinkChange,
  LinkDetails,
  LinkDns,
  LinkDnsHold,
  LinkInfo,
  LinkSpec,
  LinkStatistics,
  NeighbourFilter,
  NeighbourInfo,
  NeighbourSpec,
  NetworkEvent,
  NetworkEventOf,
  NetworkEvents,
  NetworkTopic,
  NextHop,
  NextHopSpec,
  RouteAnswer,
  RouteFilter,
  RouteInfo,
  RouteMetrics,
  RouteQuery,
  RouteSpec,
  RuleInfo,
  RuleSpec,
  WatchOptions,
} from "@bunnel/tun-linux";
