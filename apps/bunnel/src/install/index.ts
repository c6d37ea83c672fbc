export { upWords, type ServiceCommand, type ServiceManager } from "./definition.ts";
export { launchd } from "./launchd.ts";
export { systemd } from "./systemd.ts";
export { windows, WINDOWS_SERVICE_NAME, windowsLog } from "./windows.ts";
