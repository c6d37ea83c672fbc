export * from "./device.ts";
export * from "./errors.ts";
export * from "./interception.ts";
export * from "./memory-device.ts";
export * from "./packet-ring.ts";
export * from "./packets.ts";
