import { InvalidArgumentError, type Command } from "commander";
import { QUEUES_MAX } from "@bunnel/abi";
import { TunBackend, type BackendHandle, type PumpChoice, type TunSettings } from "@bunnel/backend";
import type { Profile } from "@bunnel/profile";
import { serveControl } from "../service/control.ts";
import { ExitError } from "../service/exit.ts";
import { readProfile } from "../service/read-profile.ts";
import { DEFAULT_STATE_DIR, makeStateDir, statePaths } from "../service/state-dir.ts";

interface UpOptions {
  readonly profile?: string;
  readonly strategy?: string;
  readonly method?: "auto" | "nft" | "rules";
  readonly device?: string;
  readonly uplink?: readonly string[];
  readonly mtu?: number;
  readonly offload: boolean;
  readonly queues?: number;
  readonly pump?: PumpChoice;
  readonly stateDir: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("up")
    .description("carry this machine's traffic until Ctrl-C, SIGTERM or `bunnel down`")
    .option("-p, --profile <file>", "profile (TOML); without it the built-in one")
    .option("-s, --strategy <text>", 'one strategy for every host, such as "tls: split(1, midsld) disorder"')
    .option("--method <name>", "how packets come up: auto, nft or rules", readMethod)
    .option("--device <name>", "name of the TUN device")
    .option("--uplink <name...>", "interfaces to look at (default: all with a default route)")
    .option("--mtu <octets>", "MTU of the device (default: as the uplink has it)", readMtu)
    .option("--no-offload", "do without segmentation offload")
    .option("--queues <number>", "queues of the device, a thread for each, 1 to 4 (default: 1)", readQueues)
    .option("--pump <name>", "how packets pass: auto, plain (a system call for each) or uring (io_uring)", readPump)
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "print one JSON line when it is up and one when it is down")
    .action(up);
}

function readMethod(text: string): string {
  if (text === "auto" || text === "nft" || text === "rules") return text;
  throw new InvalidArgumentError("expected auto, nft or rules");
}

function readMtu(text: string): number {
  const octets = Number(text);
  if (Number.isInteger(octets) && octets >= 1280 && octets <= 65535) return octets;
  throw new InvalidArgumentError("expected octets from 1280 to 65535");
}

function readQueues(text: string): number {
  const queues = Number(text);
  if (Number.isInteger(queues) && queues >= 1 && queues <= QUEUES_MAX) return queues;
  throw new InvalidArgumentError(`expected 1 to ${QUEUES_MAX}`);
}

function readPump(text: string): PumpChoice {
  if (text === "auto" || text === "plain" || text === "uring") return text;
  throw new InvalidArgumentError("expected auto, plain or uring");
}

async function up(options: UpOptions): Promise<void> {
  if (process.platform !== "linux") {
    throw new ExitError(`up: this version carries traffic on Linux only, this is ${process.platform}`);
  }
  const profile = await readProfile(options);
  const paths = statePaths(options.stateDir);
  const { linuxPlatform } = await import("../service/platform.linux.ts");
  const platform = linuxPlatform({ statePath: paths.state });
  const unsupported = platform.unsupported();
  if (unsupported !== undefined) throw new ExitError(unsupported);
  makeStateDir(paths);
  let handle: BackendHandle | undefined;
  const stop = Promise.withResolvers<void>();
  const control = await openControl(paths.socket, (command) => answer(command, handle, stop.resolve));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop.resolve);
  try {
    handle = await new TunBackend(platform).start({ engine: { profile }, settings: settingsOf(options, profile) });
    say(options, { up: true, ...handle.stats }, upText(handle, profile));
    const cause = await Promise.race([stop.promise.then(() => undefined), handle.closed]);
    const { stats } = cause === undefined ? handle : { stats: undefined };
    await handle.shutdown();
    if (cause) throw new ExitError(`stopped by itself, the network is as before: ${cause.message}`, 1, { cause });
    say(options, { up: false, ...stats }, "bunnel is down, the network is as before");
  } finally {
    control.close();
  }
}

async function openControl(path: string, handle: (command: string) => Promise<unknown>) {
  try {
    return await serveControl(path, handle);
  } catch (cause) {
    throw new ExitError(`another bunnel is up (it answers at ${path}): stop it with bunnel down`, 1, { cause });
  }
}

async function answer(command: string, handle: BackendHandle | undefined, stop: () => void): Promise<unknown> {
  if (command === "ping") return "pong";
  if (command === "status" && handle) return handle.stats;
  if (command === "status") throw new Error("the service is starting");
  if (command === "down") {
    stop();
    return "stopping";
  }
  throw new Error(`command: expected ping, status or down, found ${command.slice(0, 40)}`);
}

function settingsOf(options: UpOptions, profile: Profile): TunSettings {
  const { device, interception } = profile;
  return {
    deviceName: options.device ?? device.name,
    mtu: options.mtu ?? device.mtuBytes,
    address: device.address,
    netmask: device.netmask,
    method: options.method ?? interception.method,
    uplinks: options.uplink ?? interception.uplinks,
    excludes: interception.exclude,
    offload: options.offload,
    ...(options.queues !== undefined && { queues: options.queues }),
    ...(options.pump !== undefined && { pump: options.pump }),
  };
}

function say(options: UpOptions, data: unknown, text: string): void {
  process.stdout.write(options.json ? `${JSON.stringify(data)}\n` : `${text}\n`);
}

function upText(handle: BackendHandle, profile: Profile): string {
  const { device, method, uplinks } = handle.stats;
  const rules = profile.rules.filter((rule) => rule.enabled).length;
  return (
    `bunnel is up: device ${device}, method ${method}, uplink ${uplinks.join(", ")}, ` +
    `${rules} ${rules === 1 ? "rule" : "rules"}. Ctrl-C or \`bunnel down\` ends it.`
  );
}
