export { openDarwinDescriptor, openTransferredDarwin } from "./descriptor.ts";
export { DARWIN_CAPABILITIES } from "./driver-capabilities.ts";
export { openCalls as openDarwinCalls, type DarwinEnvironment } from "./environment.ts";
export { openDarwinTap, openDarwinTun } from "./open.ts";
export { DARWIN } from "./system.ts";
export { findUtun, type Utun } from "./utun.ts";
