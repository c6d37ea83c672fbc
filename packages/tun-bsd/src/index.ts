export { openBsdDescriptor, openTransferredBsd } from "./descriptor.ts";
export { DRAGONFLY } from "./dragonfly.ts";
export { bsdCapabilities, SYSTEMS } from "./driver-capabilities.ts";
export { openCalls as openBsdCalls, type BsdEnvironment } from "./environment.ts";
export { FREEBSD } from "./freebsd.ts";
export { NETBSD } from "./netbsd.ts";
export { openBsdTap, openBsdTun } from "./open.ts";
export { OPENBSD } from "./openbsd.ts";
export type { BsdTunSystem, NodeWay } from "./system.ts";
