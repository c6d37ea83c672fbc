// bunnel hosts …: what is remembered of hosts, listed and edited, whether a service runs or not.
import { InvalidArgumentError, type Command } from "commander";
import { askControl } from "../control/client.ts";
import { ANY_NETWORK, type HostMemory, MemoryError, type Tried } from "../memory/contract.ts";
import { hostCommands, HOSTS_SHOWN, type HostsAnswer } from "../memory/host-commands.ts";
import { networkHere, openOffline } from "../memory/open-offline.ts";
import { keptHost, keptStrategy } from "../memory/names.ts";
import { memoryPath } from "../memory/place.ts";
import { ExitError } from "../service/exit.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";
import { columns, duration } from "./columns.ts";

interface HostsOptions {
  readonly stateDir: string;
  readonly file?: string;
  readonly everywhere?: boolean;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const hosts = program.command("hosts").description("list and edit what is remembered of hosts, for each network");
  withPlace(hosts.command("list", { isDefault: true }).description("hosts of this network, those seen last first"))
    .option("--everywhere", "of all networks")
    .option("-n, --limit <count>", "at most so many", readCount, HOSTS_SHOWN)
    .action(list);
  withPlace(hosts.command("forget").description("forget hosts, their pins too; they begin anew"))
    .argument("[host...]", "which; all of them with --all")
    .option("--all", "every host")
    .option("--everywhere", "in all networks")
    .action(forget);
  withPlace(hosts.command("set").description("hold a host to a strategy, whatever fails; goes before the profile"))
    .argument("<host>", "its name; names below it are not meant")
    .argument("<strategy>", 'a preset such as "preset:aggressive", "pass", or "tls: split(1, midsld) disorder"')
    .option("--everywhere", "in all networks, also those to come")
    .action(set);
  withPlace(hosts.command("unset").description("let go of a host that was held; what is known of it stays"))
    .argument("<host>", "its name")
    .option("--everywhere", "of what was set for all networks")
    .action((host: string, options: HostsOptions) => set(host, undefined, options));
}

function withPlace(command: Command): Command {
  return command
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--file <file>", "the database, where no service runs (default: as for a profile that names none)")
    .option("--json", "print JSON");
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("expected a whole number from 1");
}

/** The running service, else the file, which is made where `isWritten`. */
async function ask(
  { stateDir, file }: HostsOptions,
  command: "hosts" | "hosts-forget" | "hosts-set",
  given: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const answer = await askControl(statePaths(stateDir).socket, command, given);
  if (answer !== undefined) return answer;
  const network = await networkHere();
  const warn = (path: string): void => void process.stderr.write(`it was damaged; what is left of it is ${path}\n`);
  using memory = openOffline(memoryPath(file ?? "", stateDir), command === "hosts-set", warn);
  return hostCommands({ memory, network: () => network, changed: () => undefined })[command]?.(given);
}

async function list(options: HostsOptions & { readonly limit: number }): Promise<void> {
  const { limit, everywhere = false } = options;
  const answer = (await ask(options, "hosts", { everywhere, limit })) as HostsAnswer;
  process.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : hostsText(answer, Date.now()));
}

async function forget(hosts: readonly string[], options: HostsOptions & { readonly all?: boolean }): Promise<void> {
  const { all = false, everywhere = false } = options;
  if (all === hosts.length > 0) throw new ExitError("hosts forget: expected hosts, or --all without any", WRONG_WORDS);
  const given = { everywhere, ...(!all && { hosts }) };
  const { forgotten } = (await ask(options, "hosts-forget", given)) as { readonly forgotten: number };
  say(options, { forgotten }, `forgot ${forgotten} ${forgotten === 1 ? "host" : "hosts"}`);
}

const WRONG_WORDS = 2;

async function set(host: string, strategy: string | undefined, options: HostsOptions): Promise<void> {
  const { everywhere = false } = options;
  checkWords(host, strategy);
  const answer = await ask(options, "hosts-set", { host, everywhere, ...(strategy !== undefined && { strategy }) });
  say(options, answer, strategy === undefined ? `${host} is let go` : `${host} is held to ${strategy}`);
}

/** What can be said without the service is said as wrong words. */
function checkWords(host: string, strategy: string | undefined): void {
  try {
    keptHost(host);
    if (strategy !== undefined) keptStrategy(strategy);
  } catch (cause) {
    if (!(cause instanceof MemoryError)) throw cause;
    throw new ExitError(cause.message, WRONG_WORDS, { cause });
  }
}

function say(options: HostsOptions, data: unknown, text: string): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(data)}\n` : `${text}\n`);
}

const HEAD = ["host", "strategy", "worked", "failed", "last", "state"];

/** The hosts as a table, a line for each strategy of each. */
export function hostsText({ network, networks, total, hosts }: HostsAnswer, now: number): string {
  const place = network === null ? "not in a network that can be told" : `network ${network.label}`;
  if (hosts.length === 0) return `${place}: nothing is remembered\n`;
  const isMany = new Set(hosts.map((host) => host.network)).size > 1;
  const labels = new Map(networks.map(({ fingerprint, label }) => [fingerprint, label]));
  const rows = hosts.flatMap((host) => {
    const where = host.network === ANY_NETWORK ? "any" : (labels.get(host.network) ?? host.network);
    return rowsOf(host, now).map((row) => (isMany ? [where, ...row] : row));
  });
  const head = isMany ? ["network", ...HEAD] : HEAD;
  const shown = hosts.length < total ? `, ${hosts.length} shown` : "";
  const right = isMany ? [3, 4, 5] : [2, 3, 4];
  return `${columns([head, ...rows], right)}${place}: ${total} ${total === 1 ? "host" : "hosts"}${shown}\n`;
}

function rowsOf({ host, pinned, tried }: HostMemory, now: number): string[][] {
  const held = tried.every(({ strategy }) => strategy !== pinned);
  const first = pinned !== undefined && held ? [[host, pinned, "0", "0", "-", "pinned"]] : [];
  const rows = tried.map((each) => {
    const { strategy, worked, failed, workedAt = 0, failedAt = 0 } = each;
    const ago = duration(Math.max(0, now - Math.max(workedAt, failedAt)));
    return [host, strategy, String(worked), String(failed), ago, stateOf(each, pinned)];
  });
  return [...first, ...rows];
}

function stateOf({ strategy, score, symptom, workedAt = 0, failedAt = 0 }: Tried, pinned: string | undefined): string {
  if (strategy === pinned) return "pinned";
  if (failedAt > workedAt && symptom !== undefined) return `failed by ${symptom}`;
  return score > 0.5 ? "works" : "doubtful";
}
