export { compileKernel, Kernel, type KernelOptions } from "./kernel.ts";
export { PacketSocket, TestNamespace } from "./sys.ts";
export * from "./tables.ts";
export * from "./traffic.ts";
export * from "./golden.ts";
export { failureOf } from "./failure.ts";
export { importsHarmlessly } from "./harmless-suite.ts";
export { networkSuite, type NetworkSubject } from "./network-suite.ts";
export { echoReply, realSuite, type RealSubject } from "./real-suite.ts";
