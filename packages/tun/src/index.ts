export * from "./driver.ts";
export * from "./interface.ts";
export * from "./routes.ts";
export * from "./tun.ts";
export { DeviceError, MemoryDevice, readPackets, sendPacket } from "@bunnel/device";
export type { DeviceErrorCode, DeviceOptions, TunDevice } from "@bunnel/device";
export type {
  AddressInfo,
  AddressOptions,
  LinkChange,
  LinkInfo,
  NetworkEvent,
  RouteInfo,
  RouteSpec,
  RuleInfo,
  RuleSpec,
} from "@bunnel/tun-linux";
