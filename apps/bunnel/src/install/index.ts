export { upWords, type ServiceCommand, type ServiceManager } from "./definition.ts";
export { launchd } from "./launchd.ts";
export { systemd } from "./systemd.ts";
export { windows } from "./windows.ts";
