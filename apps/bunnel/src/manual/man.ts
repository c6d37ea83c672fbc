// The manual page (man(7)), made of the same commands that `bunnel help` shows.
import { allCommands, type CommandInfo, type OptionInfo } from "./tree.ts";

const STATUS: readonly (readonly [status: string, about: string])[] = [
  ["0", "It was done."],
  ["1", "It failed; one sentence on standard error says why."],
  ["2", "The command line, or the profile that a service is started with, has wrong words."],
  ["3", "The service does not run."],
];

const FILES: readonly (readonly [path: string, about: string])[] = [
  ["/run/bunnel/control.sock", "Where the running service is asked; for its owner alone."],
  ["/run/bunnel/state.json", "What has to be put back, if the service is killed."],
  ["/run/bunnel/audit.log", "A line of JSON for each privileged operation."],
];

/** roff reads backslashes, and dots and quotes at a line's start. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/^([.'])/gmu, "\\&$1");
}

export function manualPage(root: CommandInfo, version: string): string {
  const commands = allCommands(root).filter(({ path, commands: below }) => path !== "" && below.length === 0);
  const lines = [
    `.TH BUNNEL 8 "" "bunnel ${version}"`,
    ".SH NAME",
    `bunnel \\- ${roff(root.about)}`,
    ".SH SYNOPSIS",
    ".B bunnel",
    "\\fIcommand\\fR [\\fIoptions\\fR]",
    ".SH COMMANDS",
    ...commands.flatMap(describe),
    ".SH EXIT STATUS",
    ...STATUS.flatMap(([status, about]) => [".TP", `.B ${status}`, roff(about)]),
    ".SH FILES",
    ...FILES.flatMap(([path, about]) => [".TP", `.I ${roff(path)}`, roff(about)]),
  ];
  return `${lines.join("\n")}\n`;
}

function describe({ path, words, about, options }: CommandInfo): string[] {
  const synopsis = `.B ${roff(path)}${words === "" ? "" : ` \\fR${roff(words)}`}`;
  return [".SS", synopsis, roff(`${about.charAt(0).toUpperCase()}${about.slice(1)}.`), ...options.flatMap(option)];
}

function option({ names, value, about }: OptionInfo): string[] {
  return [
    ".TP",
    `\\fB${roff(names.join(", "))}\\fR${value === undefined ? "" : ` \\fI${roff(value)}\\fR`}`,
    roff(about),
  ];
}
