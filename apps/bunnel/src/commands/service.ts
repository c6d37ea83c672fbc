// bunnel service …: the machine's own service manager starts bunnel, and starts it again.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { launchd, systemd, windows, type ServiceCommand, type ServiceManager } from "../install/index.ts";
import { ExitError } from "../service/exit.ts";
import { readProfileSource } from "../service/read-profile.ts";

const MANAGERS: readonly ServiceManager[] = [systemd, launchd, windows];
const OF_PLATFORM: Readonly<Partial<Record<NodeJS.Platform, ServiceManager>>> = {
  linux: systemd,
  darwin: launchd,
  win32: windows,
};
const READABLE_TO_ALL = 0o644;

interface InstallOptions {
  readonly profile?: string;
  readonly print?: boolean;
  readonly manager?: ServiceManager["name"];
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
    .action(install);
  service.command("remove").description("stop the service and remove its definition").action(remove);
  service
    .command("status")
    .description("what the service manager says of it")
    .action(() => handOver((manager) => manager.status));
  service
    .command("logs")
    .description("the last lines that it said")
    .action(() => handOver((manager) => manager.logs));
}

async function install(words: readonly string[], { profile, print, manager }: InstallOptions): Promise<void> {
  const chosen = managerOf(manager);
  const source = profile === undefined ? undefined : await readProfileSource({ profile });
  const bpf = [source?.profile.include, source?.profile.exclude].some((scope) => (scope?.processes ?? []).length > 0);
  const command = { program: thisProgram(), profile: profile && resolve(profile), words, bpf };
  if (print === true) {
    process.stdout.write(chosen.define(command));
    return;
  }
  if (chosen !== OF_PLATFORM[process.platform]) throw new ExitError(`${chosen.name} is not on this system: --print`, 2);
  write(chosen, command);
  for (const step of chosen.enable(command)) run(step);
  process.stdout.write(`installed${chosen.path === undefined ? "" : ` ${chosen.path}`}, and started\n`);
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

function remove(): void {
  const manager = managerOf(undefined);
  if (manager.path !== undefined && !existsSync(manager.path)) {
    throw new ExitError(`not installed: ${manager.path} is not there`);
  }
  const [first = [], ...others] = manager.disable;
  run(first);
  if (manager.path !== undefined) rmSync(manager.path, { force: true });
  for (const step of others) run(step);
  process.stdout.write("stopped and removed\n");
}

function handOver(words: (manager: ServiceManager) => readonly string[]): void {
  const [program = "", ...rest] = words(managerOf(undefined));
  const path = Bun.which(program);
  if (path === null) throw new ExitError(`${program} is not on this system`);
  const { exitCode } = Bun.spawnSync([path, ...rest], { stdio: ["inherit", "inherit", "inherit"] });
  process.exitCode = exitCode;
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
