// A service for the Windows service manager, made by sc.exe (its own documentation: sc create, sc failure).
import { upWords, type ServiceCommand, type ServiceManager } from "./definition.ts";

const NAME = "bunnel";

/** A word of a command line as CommandLineToArgvW reads it back: backslashes count before a quote alone. */
function quoted(word: string): string {
  if (word !== "" && !/[\s"]/u.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/gu, '$1$1\\"').replace(/(\\+)$/u, "$1$1")}"`;
}

function commandLine(command: ServiceCommand): string {
  return upWords(command).map(quoted).join(" ");
}

function enable(command: ServiceCommand): string[][] {
  const described = "Carries this machine's traffic past deep packet inspection";
  return [
    ["sc.exe", "create", NAME, "binPath=", commandLine(command), "start=", "auto", "DisplayName=", "bunnel"],
    ["sc.exe", "description", NAME, described],
    ["sc.exe", "failure", NAME, "reset=", "60", "actions=", "restart/2000/restart/10000//"],
    ["sc.exe", "sidtype", NAME, "restricted"],
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
  logs: [
    "wevtutil.exe",
    "qe",
    "Application",
    "/c:200",
    "/rd:true",
    "/f:text",
    `/q:*[System[Provider[@Name='${NAME}']]]`,
  ],
};
