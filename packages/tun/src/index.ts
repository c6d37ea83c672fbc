export { darwinDriver } from "./bsd-driver.ts";
export { win32 as win32Driver } from "./win32.ts";
export type { DeviceEvent } from "./device-events.ts";
export * from "./dns.ts";
export * from "./driver.ts";
export * from "./interface.ts";
export * from "./neighbours.ts";
export * from "./pair.ts";
export * from "./routes.ts";
export * from "./tun.ts";
export * from "./watch.ts";
export {
  DeviceError,
  FaultInjector,
  MemoryDevice,
  PacketPort,
  PcapTap,
  readPackets,
  sendPacket,
  streamsOf,
  Tracer,
  Wake,
} from "@bunnel/device";
export type {
  DescriptorOptions,
  DeviceAddress,
  DeviceCapabilities,
  DeviceChange,
  DeviceErrorCode,
  DeviceHandOver,
  DeviceOptions,
  DeviceState,
  DriverCapabilities,
  Medium,
  SystemDevice,
  TunDevice,
  WaitOptions,
} from "@bunnel/device";
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
  NetworkNamespace,
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
