export { Kernel, type KernelOptions } from "./kernel.ts";
export { PacketSocket, TestNamespace } from "./sys.ts";
export * from "./tables.ts";
export * from "./traffic.ts";
export * from "./golden.ts";
