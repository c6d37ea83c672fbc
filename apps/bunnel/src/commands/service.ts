// bunnel service …: the machine's own service manager starts bunnel, and starts it again.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import {
  launchd,
  systemd,
  windows,
  WINDOWS_SERVICE_NAME,
  windowsLog,
  type ServiceCommand,
  type ServiceManager,
} from "../install/index.ts";
import { ExitError } from "../service/exit.ts";
import { readProfileSource } from "../service/read-profile.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";

const MANAGERS: readonly ServiceManager[] = [systemd, launchd, windows];
const OF_PLATFORM: Readonly<Partial<Record<NodeJS.Platform, ServiceManager>>> = {
  linux: systemd,
  darwin: launchd,
  win32: windows,
};
const READABLE_TO_ALL = 0o644;
const LOG_LINES = 200;

interface InstallOptions {
  readonly profile?: string;
  readonly print?: boolean;
  readonly manager?: ServiceManager["name"];
  readonly json?: boolean;
}

interface JsonOption {
  readonly json?: boolean;
}

export function register(program: Command): void {
  const service = program.command("service").description("have the machine start bunnel, and start it again");
  service
    .command("install")
    .description("write the definition for systemd, launchd or Windows, and start the service")
    .option("-p, --profile <file>", "profile (TOML); without it the built-in one")
    .option("--print", "print the definition and change nothing")
    .addOption(new Option("--manager <name>", "whose definition").choices(MANAGERS.map(({ name }) => name)))
    .argument("[words...]", "further words of `bunnel up`, behind --")
    .option("--json", "print JSON: the definition's place, with --print its text")
    .action(install);
  service
    .command("remove")
    .description("stop the service and remove its definition")
    .option("--json", "print JSON")
    .action(remove);
  service
    .command("status")
    .description("what the service manager says of it")
    .option("--json", "print JSON: whether it is installed, the manager's status and its words")
    .action((options: JsonOption) => handOver((manager) => manager.status, options));
  service
    .command("logs")
    .description("the last lines that it said")
    .option("--json", "print JSON: the manager's status and the lines")
    .action(logs);
  service
    .command("run")
    .description("what the service manager of Windows starts: starts `bunnel up`, and tells the manager how it fares")
    .argument("[words...]", "words of `bunnel up`, behind --")
    .option("--json", "print the status that it ended with as JSON")
    .action(runForWindows);
}

async function runForWindows(words: readonly string[], { json }: JsonOption): Promise<void> {
  if (process.platform !== "win32")
    throw new ExitError(`service run: expected Windows, this is ${process.platform}`, 2);
  const { runWindowsService } = await import("../install/windows-service/run.ts");
  const dir = stateDirIn(words);
  const status = await runWindowsService({
    name: WINDOWS_SERVICE_NAME,
    command: [...thisProgram(), "up", "--json", ...words],
    controlPath: statePaths(dir).socket,
    logPath: windowsLog(dir),
  });
  if (json) process.stdout.write(`${JSON.stringify({ status })}\n`);
  // The manager's thread may hang in a call of the system.
  process.exit(status);
}

function stateDirIn(words: readonly string[]): string {
  const at = words.lastIndexOf("--state-dir");
  const joined = words.findLast((word) => word.startsWith("--state-dir="));
  return words[at + 1 || words.length] ?? joined?.slice("--state-dir=".length) ?? DEFAULT_STATE_DIR;
}

function logs(options: JsonOption): void {
  const manager = managerOf(undefined);
  const { logs: kept } = manager;
  if (!("file" in kept)) {
    handOver(() => kept, options);
    return;
  }
  if (!existsSync(kept.file)) throw new ExitError(`nothing was said yet: ${kept.file} is not there`);
  const lines = readFileSync(kept.file, "utf8").trimEnd().split(/\r?\n/u).slice(-LOG_LINES);
  process.stdout.write(options.json ? jsonOf(manager, { status: 0, lines }) : `${lines.join("\n")}\n`);
}

async function install(words: readonly string[], { profile, print, manager, json }: InstallOptions): Promise<void> {
  const chosen = managerOf(manager);
  const { readWordsOfUp } = await import("./words-of-up.ts");
  const said = readWordsOfUp(words);
  const source = await readProfileSource({ ...said, ...(profile !== undefined && { profile }) });
  const bpf = [source.profile.include, source.profile.exclude].some((scope) => (scope?.processes ?? []).length > 0);
  const command = { program: thisProgram(), profile: profile && resolve(profile), words, bpf };
  if (print === true) {
    const definition = chosen.define(command);
    process.stdout.write(json ? jsonOf(chosen, { definition }) : definition);
    return;
  }
  if (chosen !== OF_PLATFORM[process.platform]) throw new ExitError(`${chosen.name} is not on this system: --print`, 2);
  write(chosen, command);
  for (const step of chosen.enable(command)) run(step);
  const text = `installed${chosen.path === undefined ? "" : ` ${chosen.path}`}, and started\n`;
  process.stdout.write(json ? jsonOf(chosen, { installed: true }) : text);
}

function write(manager: ServiceManager, command: ServiceCommand): void {
  if (manager.path === undefined) return;
  try {
    writeFileSync(manager.path, manager.define(command), { mode: READABLE_TO_ALL });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`${manager.path} cannot be written: ${why}; run it as root`, 1, { cause });
  }
}

function remove({ json }: JsonOption): void {
  const manager = managerOf(undefined);
  if (manager.path !== undefined && !existsSync(manager.path)) {
    throw new ExitError(`not installed: ${manager.path} is not there`);
  }
  const [first = [], ...others] = manager.disable;
  run(first);
  if (manager.path !== undefined) rmSync(manager.path, { force: true });
  for (const step of others) run(step);
  process.stdout.write(json ? jsonOf(manager, { installed: false }) : "stopped and removed\n");
}

function handOver(words: (manager: ServiceManager) => readonly string[], { json }: JsonOption): void {
  const manager = managerOf(undefined);
  const [program = "", ...rest] = words(manager);
  const path = Bun.which(program);
  if (path === null) throw new ExitError(`${program} is not on this system`);
  if (json === true) {
    const { exitCode, stdout, stderr } = Bun.spawnSync([path, ...rest], { stdio: ["ignore", "pipe", "pipe"] });
    const lines = `${stdout.toString()}${stderr.toString()}`.split(/\r?\n/u).filter((line) => line !== "");
    const installed = manager.path === undefined ? exitCode === 0 : existsSync(manager.path);
    process.stdout.write(jsonOf(manager, { installed, status: exitCode, lines }));
    process.exitCode = exitCode;
    return;
  }
  const { exitCode } = Bun.spawnSync([path, ...rest], { stdio: ["inherit", "inherit", "inherit"] });
  process.exitCode = exitCode;
}

/** A line of JSON that says of whose definition it is, and where that lies. */
function jsonOf({ name, path }: ServiceManager, said: object): string {
  return `${JSON.stringify({ manager: name, ...(path !== undefined && { path }), ...said })}\n`;
}

function managerOf(name: ServiceManager["name"] | undefined): ServiceManager {
  const manager = name === undefined ? OF_PLATFORM[process.platform] : MANAGERS.find((each) => each.name === name);
  if (manager === undefined) throw new ExitError(`no service manager is known for ${process.platform}`);
  return manager;
}

/** An executable of its own names itself alone; from its sources, Bun comes first. */
function thisProgram(): string[] {
  const main = Bun.main;
  return main.startsWith("/$bunfs/") || main.startsWith("B:\\~BUN\\") ? [process.execPath] : [process.execPath, main];
}

function run(words: readonly string[]): void {
  const [program = "", ...rest] = words;
  const path = Bun.which(program);
  if (path === null) throw new ExitError(`${program} is not on this system: --print shows what would be installed`);
  const { exitCode, stderr } = Bun.spawnSync([path, ...rest], { stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new ExitError(`${words.join(" ")}: status ${exitCode}, ${stderr.toString().trim()}`);
}
