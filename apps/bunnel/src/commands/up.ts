import { resolve } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { QUEUES_MAX } from "@bunnel/abi";
import {
  TunBackend,
  type BackendConfig,
  type BackendHandle,
  type BackendStats,
  type PumpChoice,
} from "@bunnel/backend";
import { LOG_LEVELS, ProfileError, type LogLevel, type Profile } from "@bunnel/profile";
import { isAnswered } from "../control/client.ts";
import { ControlError } from "../control/protocol.ts";
import { ControlServer, type ControlCommands } from "../control/server.ts";
import { errorFields } from "../logs/error-fields.ts";
import { Log } from "../logs/log.ts";
import { standardError } from "../logs/sink.ts";
import { openDns, openDnsBySockets, type DnsService } from "../dns/dns-service.ts";
import { serviceUser, type ServiceUser } from "../privileges/service-user.ts";
import { audited, AuditLog, leftBehind } from "../service/audit.ts";
import { ExitError, StoppedError } from "../service/exit.ts";
import { exitAtOnce } from "../supervisor/sys.ts";
import { gatewayWarnings } from "../service/gateway.ts";
import { follow } from "../service/follow.ts";
import { joinSystem, type Joined } from "../service/joined.ts";
import { LateCommands } from "../service/late-commands.ts";
import { MemoryService, type MemoryServiceOptions } from "../memory/memory-service.ts";
import { HeapKeeper } from "../service/heap-keeper.ts";
import { MemoryWatch } from "../service/memory-watch.ts";
import { readProfileSource, type ProfileSource } from "../service/read-profile.ts";
import { Service, type ReloadReport } from "../service/service.ts";
import { logOptionsOf, settingsOf, type SettingWords } from "../service/settings.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import { tellPackets } from "../service/tell-packets.ts";
import {
  checkReach,
  DEFAULT_STATE_DIR,
  giveStateDir,
  makeStateDir,
  statePaths,
  type StatePaths,
} from "../service/state-dir.ts";
import { startBeside, type DashboardBeside } from "../ui/beside.ts";
import { readPort as readUiPort } from "./ui.ts";

interface UpOptions extends SettingWords {
  readonly profile?: string;
  readonly strategy?: string;
  readonly stateDir: string;
  readonly user?: string;
  readonly auditLog?: string;
  /** True: without a port. */
  readonly ui?: number | true;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("up")
    .description(
      "carry this machine's traffic until Ctrl-C, SIGTERM or `bunnel down`: on Linux by packets, or by sockets where " +
        "a rule says so; on macOS and Windows by sockets",
    )
    .option("-p, --profile <file>", "profile (TOML); without it the built-in one")
    .option("-s, --strategy <text>", 'one strategy for every host, such as "tls: split(1, midsld) disorder"')
    .option("--method <name>", "how packets come up, on Linux: auto, nft or rules", readMethod)
    .option("--device <name>", "name of the TUN device")
    .option("--uplink <name...>", "interfaces to look at (default: all with a default route)")
    .option("--mtu <octets>", "MTU of the device (default: as the uplink has it)", readMtu)
    .option("--no-offload", "do without segmentation offload")
    .option("--queues <number>", "queues of the device, a thread for each, 1 to 4 on Linux (default: 1)", readQueues)
    .option(
      "--pump <name>",
      "how packets pass: plain (a system call for each), uring (io_uring) or auto (the quicker one)",
      readPump,
    )
    .option("--kill-switch", "on Linux: when the service dies, refuse what its rules want until a start or bunnel down")
    .option(
      "--log-level <name>",
      `what is logged: ${LOG_LEVELS.join(", ")} (default: as the profile has it)`,
      readLevel,
    )
    .option("--log-format <name>", "how it is logged, on standard error: human or json", readFormat)
    .option("--log-hosts", "let host names stand in the log")
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option(
      "--user <name>",
      "who the service is once its devices are open, not on Windows (default: bunnel, else nobody; root stays root)",
    )
    .option("--audit-log <file>", "a line of JSON for each privileged operation (default: audit.log in the state dir)")
    .option("--ui [port]", "serve the dashboard on 127.0.0.1 too, from a process of its own", readUiPort)
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

function readLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((each) => each === text);
  if (level !== undefined) return level;
  throw new InvalidArgumentError(`expected ${LOG_LEVELS.join(", ")}`);
}

function readFormat(text: string): "human" | "json" {
  if (text === "human" || text === "json") return text;
  throw new InvalidArgumentError("expected human or json");
}

function readPump(text: string): PumpChoice {
  if (text === "auto" || text === "plain" || text === "uring") return text;
  throw new InvalidArgumentError("expected auto, plain or uring");
}

const LAST_WORDS_MS = 1000;

async function up(options: UpOptions): Promise<void> {
  await carryTraffic(options, joinSystem);
  if (process.platform !== "linux") return;
  await written();
  // Everything is as before: no thread that is on its way out has anything left to do that is worth waiting for.
  exitAtOnce(0);
}

/** What was said is with whoever reads it; a reader who does not read is not waited for. */
async function written(): Promise<void> {
  const all = [process.stdout, process.stderr].map(
    (stream) => new Promise<void>((done) => stream.write("", () => done())),
  );
  await Promise.race([Promise.all(all), Bun.sleep(LAST_WORDS_MS)]);
}

/** `bunnel up` with the parts of a system. */
export async function carryTraffic(options: UpOptions, join: typeof joinSystem): Promise<void> {
  const { source, user, log, paths, joined, networkChanged } = await prepare(options, join);
  // Before anything of a living one is touched.
  if (await isAnswered(paths.socket)) throw anotherIsUp(paths.socket);
  makeStateDir(paths);
  const stop = Promise.withResolvers<void>();
  const commands = new LateCommands(stop.resolve);
  using control = await openControl(paths.socket, commands.all);
  using audit = openAudit(options, source, paths, log);
  onSignals(stop.resolve);
  using supervisor = Supervisor.open(process.env);
  const { profile } = source;
  const settings = settingsOf(options, profile);
  // Once privileges are given up, no program can be started any more.
  using dashboard = options.ui === undefined ? undefined : besideUs(options);
  using dns = openResolver(joined, profile, networkChanged);
  using memory = openMemory({ profile, stateDir: paths.dir, user, log, canLook: joined.isLinux }, networkChanged);
  const handle = await new TunBackend(audited(joined.platform, audit)).start({
    ...{ engine: { profile: memory.effective(profile) }, settings },
    ...helpersOf({ supervisor, dns, memory, joined }),
  });
  dns.learn = (address, host, seconds) => handle.learnName(address, host, seconds);
  const service = new Service(handle, {
    source,
    read: () => readProfileSource(options),
    settingsOf: (next) => settingsOf(options, next),
    applied: (next) => log.configure(logOptionsOf(options, next)),
    reloaded: (outcome) => logReload(log, outcome),
    notify: (event, data) => control.notify(event, data),
    stop: stop.resolve,
    ...{ dns, memory },
  });
  try {
    commands.serve(service.commands);
    audit.note("drop privileges", giveUp(joined, { paths, user, memory }));
    using _telling = tellPackets(handle, control, (what) => audit.note(what), memory.follow(handle));
    using _following = follow(service, control, { ...options, log }, stop.resolve);
    const { gaveUp, watch } = watchMemory(handle, log);
    using _watching = watch;
    const unreadable = service.unreadable();
    const { uplinks } = logStart(handle, log, source);
    say(options, { up: true, ...service.status(), unreadable }, upText(handle, source, unreadable));
    dashboard?.go();
    supervisor.ready(`carries traffic by ${uplinks.join(", ")}`);
    const cause = await Promise.race([stop.promise.then(() => undefined), handle.closed, gaveUp]);
    supervisor.stopping();
    if (cause) throw endedByItself(cause, log, settings.killSwitch === true);
    control.notify("state", { up: false });
    say(options, { up: false, ...(await ended(handle)) }, "bunnel is down, the network is as before");
  } catch (error) {
    // After a failure a kill switch stays closed.
    await handle.shutdown(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    await handle.shutdown();
    audit.note("end");
    log.info("stop");
    log.flush();
  }
}

function openResolver({ isLinux }: Joined, profile: Profile, networkChanged: Prepared["networkChanged"]): DnsService {
  const dns = isLinux ? openDns(profile) : openDnsBySockets(profile);
  networkChanged.add(() => dns.reconnect());
  return dns;
}

function openMemory(options: MemoryServiceOptions, networkChanged: Prepared["networkChanged"]): MemoryService {
  const memory = MemoryService.open(options);
  networkChanged.add(() => memory.networkChanged());
  return memory;
}

function besideUs({ stateDir, ui, json }: UpOptions): DashboardBeside {
  return startBeside(resolve(stateDir), ui === true ? undefined : ui, json === true);
}

interface Prepared {
  readonly source: ProfileSource;
  readonly user: ServiceUser | undefined;
  readonly log: Log;
  readonly paths: StatePaths;
  readonly joined: Joined;
  /** Called when the network is another. */
  readonly networkChanged: Set<() => void>;
}

/** Everything that can be found wrong before anything is done. */
async function prepare(options: UpOptions, join: typeof joinSystem): Promise<Prepared> {
  const source = await readRight(options);
  const { profile } = source;
  const log = new Log(logOptionsOf(options, profile), standardError());
  const paths = statePaths(options.stateDir);
  const networkChanged = new Set<() => void>();
  const joined = await join({
    ...{ profile, statePath: paths.state },
    ...(options.uplink && { uplinks: options.uplink }),
    onNetwork: (uplinks) => {
      log.info("network changed", { uplinks });
      for (const tell of networkChanged) tell();
    },
    onError: (error) => log.warning("network not followed", errorFields(error)),
  });
  const { changesUser, isLinux, platform } = joined;
  if (!isLinux) refuseWords(options, platform.name, changesUser);
  const named = profile.service.user;
  const user = changesUser ? serviceUser(options.user ?? (named === "" ? undefined : named)) : undefined;
  const unsupported = platform.unsupported();
  if (unsupported !== undefined) throw new ExitError(unsupported);
  if (user !== undefined) checkReach(paths, user);
  for (const warning of gatewayWarnings(profile)) log.warning(warning);
  return { source, user, log, paths, joined, networkChanged };
}

/** Words that mean something on Linux alone. */
function refuseWords(options: UpOptions, system: string, changesUser: boolean): void {
  const { method = "auto", queues = 1, pump, killSwitch, user } = options;
  const words = [
    ...(method === "auto" ? [] : ["--method"]),
    ...(queues === 1 ? [] : ["--queues"]),
    ...(pump === "uring" ? ["--pump uring"] : []),
    ...(killSwitch === true ? ["--kill-switch"] : []),
    ...(user === undefined || changesUser ? [] : ["--user"]),
  ];
  if (words.length > 0) throw new ExitError(`${words.join(", ")}: expected Linux, this is ${system}`, WRONG_WORDS);
}

/** A profile that is wrong stays wrong: the status tells a service manager not to try again. */
async function readRight(options: UpOptions): Promise<ProfileSource> {
  try {
    return await readProfileSource(options);
  } catch (cause) {
    if (!(cause instanceof ProfileError)) throw cause;
    throw new ExitError(cause.message, WRONG_WORDS, { cause });
  }
}

const WRONG_WORDS = 2;

function openAudit(options: UpOptions, { profile }: ProfileSource, paths: StatePaths, log: Log): AuditLog {
  const named = profile.service.auditLog;
  const path = options.auditLog ?? (named === "" ? paths.audit : named);
  return AuditLog.open(path, (operation, details) => {
    const removed = leftBehind(details);
    if (removed.length > 0) log.info("taken away what a killed run left", { removed });
    log.debug("privileged", { operation, ...details });
  });
}

function onSignals(stop: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
}

function logStart({ stats }: BackendHandle, log: Log, source: ProfileSource): BackendStats {
  const { device, method, uplinks } = stats;
  log.info("start", { device, method, uplinks, profile: source.name });
  return stats;
}

function logReload(log: Log, outcome: unknown): void {
  if (outcome instanceof Error) log.error("not reloaded", errorFields(outcome));
  else log.info("reload", { ...(outcome as ReloadReport) });
}

function endedByItself(cause: Error, log: Log, isClosed: boolean): ExitError {
  log.error("ended", errorFields(cause));
  return new StoppedError(cause, isClosed);
}

interface Helpers {
  readonly supervisor: Supervisor;
  readonly dns: ReturnType<typeof openDns>;
  readonly memory: MemoryService;
  readonly joined: Joined;
}

/** What the backend has beside its platform. */
function helpersOf({
  supervisor,
  dns,
  memory,
  joined,
}: Helpers): Pick<BackendConfig, "stream" | "alive" | "answerDns"> {
  return {
    stream: joined.carrier(dns.answerStream, memory.relays),
    alive: () => supervisor.alive(),
    answerDns: dns.answer,
  };
}

/** Ends it and returns its last figures. */
async function ended(handle: BackendHandle): Promise<BackendStats> {
  const { stats } = handle;
  await handle.shutdown();
  return stats;
}

interface GivenUp extends Pick<Prepared, "paths" | "user"> {
  readonly memory: MemoryService;
}

function giveUp(joined: Joined, { paths, user, memory }: GivenUp): Readonly<Record<string, unknown>> {
  memory.give();
  if (user !== undefined) giveStateDir(paths, user);
  return joined.giveUp(user);
}

async function openControl(path: string, commands: ControlCommands): Promise<ControlServer> {
  try {
    return await ControlServer.open(path, commands);
  } catch (cause) {
    if (!(cause instanceof ControlError)) throw cause;
    throw anotherIsUp(path, cause);
  }
}

function anotherIsUp(path: string, cause?: unknown): ExitError {
  return new ExitError(`another bunnel is up (it answers at ${path}): stop it with bunnel down`, 1, { cause });
}

/** Keeps the heap small, and holds the service to the memory of its profile; settles when there was too much. */
function watchMemory(handle: BackendHandle, log: Log): { readonly gaveUp: Promise<Error>; readonly watch: Disposable } {
  const gaveUp = Promise.withResolvers<Error>();
  const watch = new MemoryWatch({
    mostMb: () => handle.pipeline.profile.limits.maxMemoryMb,
    used: () => process.memoryUsage.rss(),
    relieve: () => {
      log.warning("memory above its limit", { bytes: process.memoryUsage.rss() });
      handle.relieve();
      Bun.gc(true);
    },
    giveUp: gaveUp.resolve,
  });
  const parts = new DisposableStack();
  parts.use(watch);
  parts.use(new HeapKeeper());
  return { gaveUp: gaveUp.promise, watch: parts };
}

function say(options: UpOptions, data: unknown, text: string): void {
  process.stdout.write(options.json ? `${JSON.stringify(data)}\n` : `${text}\n`);
}

function upText(handle: BackendHandle, { profile }: ProfileSource, unreadable: readonly string[]): string {
  const { device, method, uplinks } = handle.stats;
  const rules = profile.rules.filter((rule) => rule.enabled).length;
  const text =
    `bunnel is up: device ${device}, method ${method}, uplink ${uplinks.join(", ")}, ` +
    `${rules} ${rules === 1 ? "rule" : "rules"}. Ctrl-C or \`bunnel down\` ends it.`;
  if (unreadable.length === 0) return text;
  return `${text}\nIt cannot be reloaded: the service's user may not read ${unreadable.join(", ")}.`;
}
