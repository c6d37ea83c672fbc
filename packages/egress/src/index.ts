export type * from "./egress.ts";
export { DEVICE_REFUSED, DeviceEgress, openTransferred as openTransferredDevice } from "./device.ts";
export { MemoryEgress, type MemoryEgressOptions } from "./memory.ts";
export { openRawEgress, openTransferred as openTransferredEgress, type RawEgressOptions } from "./raw.linux.ts";
