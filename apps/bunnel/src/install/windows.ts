// A service for the Windows service manager, made by sc.exe (its own documentation: sc create, sc failure). What the
// manager starts must speak with it: `bunnel service run`, which starts `bunnel up`.
import { defaultStateDir } from "../service/state-dir.ts";
import { upWords, type ServiceCommand, type ServiceManager } from "./definition.ts";

export const WINDOWS_SERVICE_NAME = "bunnel";
const NAME = WINDOWS_SERVICE_NAME;

/** What the service has said, in its state directory. */
export function windowsLog(stateDir: string): string {
  return `${stateDir}\\service.log`;
}

/** A word of a command line as CommandLineToArgvW reads it back: backslashes count before a quote alone. */
function quoted(word: string): string {
  if (word !== "" && !/[\s"]/u.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/gu, '$1$1\\"').replace(/(\\+)$/u, "$1$1")}"`;
}

function commandLine({ program, ...words }: ServiceCommand): string {
  const [, ...ofUp] = upWords({ ...words, program: [] });
  return [...program, "service", "run", "--", ...ofUp].map(quoted).join(" ");
}

function enable(command: ServiceCommand): string[][] {
  const described = "Carries this machine's traffic past deep packet inspection";
  return [
    ["sc.exe", "create", NAME, "binPath=", commandLine(command), "start=", "auto", "DisplayName=", "bunnel"],
    ["sc.exe", "description", NAME, described],
    ["sc.exe", "failure", NAME, "reset=", "60", "actions=", "restart/2000/restart/10000//"],
    // A restricted one could write nowhere that does not name it: neither its state nor a device.
    ["sc.exe", "sidtype", NAME, "unrestricted"],
    ["sc.exe", "start", NAME],
  ];
}

export const windows: ServiceManager = {
  name: "windows",
  path: undefined,
  define: (command) =>
    enable(command)
      .map((words) => `${words.map(quoted).join(" ")}\r\n`)
      .join(""),
  enable,
  disable: [
    ["sc.exe", "stop", NAME],
    ["sc.exe", "delete", NAME],
  ],
  status: ["sc.exe", "queryex", NAME],
  logs: { file: windowsLog(defaultStateDir("win32", process.env)) },
};
