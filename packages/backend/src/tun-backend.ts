// The backend over a TUN device. Start, in this order, so that no packet comes up before somebody reads:
//   1. take away what an earlier run left
//   2. engine and rules
//   3. device and way out of each queue, and its thread, until all of them read
//   4. interception sends packets up
// The end goes the other way. Whatever fails on the way up is taken down again.
import type { TunDevice } from "@bunnel/device";
import type { Egress } from "@bunnel/egress";
import { Engine, type FlowInfo, type LaneOptions } from "@bunnel/engine";
import type { Profile } from "@bunnel/profile";
import { parseAddress } from "@bunnel/wire";
import {
  TUN_DEFAULTS,
  type Backend,
  type BackendConfig,
  type BackendHandle,
  type BackendStats,
  type Pipeline,
  type TunSettings,
} from "./backend.ts";
import { CaptureFeed } from "./capture/feed.ts";
import { QueryAnswers } from "./dns/query-answers.ts";
import type { TakenQuery } from "./dns/taken-query.ts";
import { BackendError } from "./errors.ts";
import { Intercepting } from "./intercepting.ts";
import { watchDistance } from "./watch-distance.ts";
import type { TunPlatform, Uplinks } from "./platform.ts";
import { packetProfileOf, preparedOf, refuseUnanswered, refuseUncarried } from "./prepared.ts";
import { Queues } from "./queues.ts";
import { RuleFigures } from "./rule-figures.ts";
import type { CarriedPackets } from "./stream/carried-outlet.ts";
import type { DatagramCarrying } from "./stream/carrier.ts";
import { streamAddresses, streamLinkOf, wantsStream } from "./stream/stream-link.ts";
import { NEEDS_START, StreamSide, tableOf, type StreamProfiles } from "./stream/stream-side.ts";
import { Watchdog } from "./watchdog.ts";

/** How often flows are looked through for those that ended. */
const FLOW_CLEANUP_MS = 30_000;
/** What is silent for so long is forgotten where memory is short. */
const RELIEVED_MS = 1_000;
/** Packets that came up before interception ended still leave. */
const DRAIN_MS = 20;
/** However many connections end with it. */
const DRAIN_MAX_MS = 3_000;

/** The backend over a TUN device. What differs between systems comes with the platform. */
export class TunBackend implements Backend {
  readonly name = "tun";
  #handle: RunningTun | undefined;
  #starting = false;

  constructor(readonly platform: TunPlatform) {}

  /** Whether a TUN backend can run on this platform, here and now. */
  static isSupported(platform: TunPlatform): boolean {
    return platform.unsupported() === undefined;
  }

  get isRunning(): boolean {
    return this.#handle !== undefined;
  }

  async start(config: BackendConfig): Promise<BackendHandle> {
    if (this.#handle || this.#starting) {
      throw new BackendError("E_ALREADY_RUNNING", "tun backend is running: stop it first");
    }
    const reason = this.platform.unsupported();
    if (reason !== undefined) throw new BackendError("E_NOT_SUPPORTED", reason);
    this.#starting = true;
    try {
      const handle = await RunningTun.start(this.platform, config);
      this.#handle = handle;
      void handle.closed.then(() => {
        if (this.#handle === handle) this.#handle = undefined;
      });
      return handle;
    } finally {
      this.#starting = false;
    }
  }

  async stop(): Promise<void> {
    if (!this.#handle) throw new BackendError("E_NOT_RUNNING", "tun backend is not running");
    await this.#handle.shutdown();
  }
}

/** Everything that a running backend holds. */
interface Parts {
  readonly engine: Engine;
  readonly queues: Queues;
  /** Undefined: nobody can carry flows by sockets. It begins with the first rule that wants that. */
  readonly stream: StreamSide | undefined;
  readonly answers: QueryAnswers | undefined;
  readonly datagrams: DatagramCarrying | undefined;
}

class RunningTun implements BackendHandle {
  readonly pipeline: Pipeline;
  readonly closed: Promise<Error | undefined>;
  readonly captured: CaptureFeed;
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #startedMs = performance.now();
  readonly #cleanup: ReturnType<typeof setInterval>;
  readonly #figures: RuleFigures;
  readonly #watchdog: Watchdog;
  #mtuBytes: number;
  #settings: TunSettings;
  #profile: Profile;
  readonly #interception: Intercepting;
  #ending: Promise<void> | undefined;

  private constructor(
    readonly platform: TunPlatform,
    private readonly config: BackendConfig,
    readonly parts: Parts,
    interception: Intercepting,
  ) {
    const { alive, settings = {} } = config;
    const { profile } = config.engine;
    this.#settings = settings;
    this.#interception = interception;
    this.#profile = profile;
    this.#figures = new RuleFigures(parts.engine);
    this.closed = this.#closed.promise;
    this.#mtuBytes = mtuOf(settings, platform.uplinks());
    this.#watchdog = new Watchdog(parts.engine.memory, parts.queues.lanes, {
      hung: (error) => void this.#end(error).catch(() => undefined),
      ...(alive && { alive }),
    });
    this.#cleanup = setInterval(() => this.#expire(this.#profile.limits.flowTimeoutSeconds * 1000), FLOW_CLEANUP_MS);
    // What goes wrong on the way down is told by `closed`.
    void parts.queues.ended.then((cause) => this.#end(cause)).catch(() => undefined);
    void parts.datagrams?.closed.then((cause) => cause && this.#end(cause)).catch(() => undefined);
    void parts.stream?.failed.then((cause) => this.#end(cause)).catch(() => undefined);
    const currentProfile = (): Profile => this.#profile;
    const currentPackets = (): Profile => packetProfileOf(platform, this.#profile);
    const figures = this.#figures;
    this.captured = new CaptureFeed(parts.queues.captures, (rule) => figures.ruleOf(currentPackets(), rule));
    this.pipeline = {
      get profile() {
        return currentProfile();
      },
      get decided() {
        return figures.decided(currentPackets());
      },
      load: (next, changed) => this.#load(next, { ...this.#settings, ...changed }),
    };
  }

  static async start(platform: TunPlatform, config: BackendConfig): Promise<RunningTun> {
    const settings = config.settings ?? {};
    const { profile } = config.engine;
    // What a kill switch left closed stays so until the new interception takes it over.
    if (settings.killSwitch !== true) platform.sweep();
    const { packets, table } = preparedOf(platform, config);
    const link = streamLinkOf(platform, { ...config, engine: { profile: packets } });
    const engine = await createEngine(profile, table);
    const uplinks = platform.uplinks();
    const answers = config.answerDns && new QueryAnswers(platform.openEgress(), config.answerDns);
    const stream = config.stream && new StreamSide(engine, (lane) => queues.wake(lane));
    const datagrams = config.stream?.openDatagrams?.(packets);
    const closeHelpers = (): void => {
      answers?.close();
      datagrams?.close();
    };
    const starting = Queues.start(platform, engine, {
      count: settings.queues ?? TUN_DEFAULTS.queues,
      pump: settings.pump ?? TUN_DEFAULTS.pump,
      device: { ...deviceOptions(settings, uplinks), ...(link && { addresses: streamAddresses(link) }) },
      maxQueueSize: config.maxQueueSize ?? profile.limits.maxQueueSize,
      laneOptions: (device, egress) => ({
        ...laneOptions(device, egress, settings, uplinks),
        translate: stream !== undefined,
        carry: datagrams !== undefined,
      }),
      ...(datagrams && { carry: (carried: CarriedPackets) => datagrams.carry(carried) }),
      ...(stream && { wanted: (translations: readonly number[]) => stream.want(translations) }),
      watch: (tap) => watchDistance(platform, tap, table),
      ...(answers && { takeQuery: (query: TakenQuery) => answers.take(query) }),
    }).catch((error: unknown) => {
      closeHelpers();
      throw error;
    });
    // The threads load their own code meanwhile; what is compiled here is compiled for them, too.
    engine.warmUp();
    const queues: Queues = await starting;
    try {
      if (stream && link && config.stream) await stream.open(config.stream, link, { profile, packets });
      const started: { running?: RunningTun } = {};
      const changed = (): void => started.running?.followMtu();
      const openFlows = (): number => stream?.openFlows ?? 0;
      const interception = new Intercepting({ platform, device: queues.device, changed, openFlows }, packets, settings);
      const parts = { engine, queues, stream, answers, datagrams };
      started.running = new RunningTun(platform, config, parts, interception);
      return started.running;
    } catch (error) {
      stream?.close();
      await queues.stop();
      closeHelpers();
      throw error;
    }
  }

  get stats(): BackendStats {
    if (this.#ending) throw new BackendError("E_NOT_RUNNING", "tun backend is not running");
    return {
      ...this.parts.engine.counters(),
      ...(this.parts.answers?.figures ?? { queriesTaken: 0, queriesAnswered: 0 }),
      uptimeMs: Math.round(performance.now() - this.#startedMs),
      device: this.parts.queues.device.name,
      method: this.#interception.method,
      uplinks: this.#interception.uplinks,
      pumps: this.parts.queues.pumps,
      carried: this.parts.datagrams?.figures,
      streamed: this.parts.stream?.figures,
      deviceDropped: this.platform.deviceDropped?.(this.parts.queues.device) ?? 0,
      tapDropped: this.parts.queues.taps.reduce((sum, tap) => sum + (tap?.dropped ?? 0), 0),
    };
  }

  flows(): readonly FlowInfo[] {
    if (this.#ending) throw new BackendError("E_NOT_RUNNING", "tun backend is not running");
    return this.#figures.flows(packetProfileOf(this.platform, this.#profile));
  }

  relieve(): void {
    if (this.#ending === undefined) this.#expire(RELIEVED_MS);
  }

  #expire(idleMs: number): void {
    this.parts.engine.expireFlows(Date.now() >>> 0, idleMs);
  }

  learnName(address: string, name: string, seconds: number): void {
    this.parts.engine.learnName(parseAddress(address), name, seconds, Date.now() >>> 0);
  }

  shutdown(failed?: Error): Promise<void> {
    return this.#end(failed);
  }

  #end(cause: Error | undefined): Promise<void> {
    this.#ending ??= this.#takeDown(cause);
    return this.#ending;
  }

  async #takeDown(cause: Error | undefined): Promise<void> {
    clearInterval(this.#cleanup);
    this.#watchdog[Symbol.dispose]();
    const staysClosed = cause !== undefined && this.#settings.killSwitch === true;
    const refused = attempt(() => this.#interception.end(staysClosed));
    // Its connections end by resets, which still have to reach their clients.
    this.parts.stream?.close();
    if (cause === undefined) await this.#drain();
    await this.parts.queues.stop();
    this.parts.answers?.close();
    this.parts.datagrams?.close();
    this.#closed.resolve(cause ?? refused);
    // Everything else is down by now: what could not be put back is told.
    if (refused) throw refused;
  }

  /** Lanes go on until what came up has left, and the last connection has been reset. */
  async #drain(): Promise<void> {
    const { engine, stream } = this.parts;
    const endMs = performance.now() + DRAIN_MAX_MS;
    for (let before = -1, now = 0; now !== before || (stream?.openFlows ?? 0) > 0;) {
      if (performance.now() >= endMs) return;
      before = now;
      await Bun.sleep(DRAIN_MS);
      now = engine.counters().packetsIn;
    }
  }

  /** The device's MTU is that of the uplinks, also when that changes; one that was set stays. */
  followMtu(): void {
    if (this.#ending) return;
    const uplinks = this.platform.uplinks();
    const mtuBytes = mtuOf(this.#settings, uplinks);
    if (mtuBytes === this.#mtuBytes || uplinks.names.length === 0) return;
    this.parts.queues.setMtu(mtuBytes);
    this.#mtuBytes = mtuBytes;
  }

  #load(next: Profile, settings: TunSettings): void {
    if (this.#ending) throw new BackendError("E_NOT_RUNNING", "tun backend is not running");
    const { engine, stream, answers, datagrams } = this.parts;
    const packets = packetProfileOf(this.platform, next);
    refuseUncarried(packets, datagrams !== undefined);
    const before = tableOf(packetProfileOf(this.platform, this.#profile), true);
    const table = tableOf(packets, true);
    refuseUnanswered(table, answers !== undefined);
    this.#openStream({ profile: next, packets });
    this.#watchDistance(table);
    // What comes up before its rules are known passes; the other way round it would be lost to the old ones.
    engine.loadRules(table);
    try {
      this.#interception.use(packets, settings);
    } catch (cause) {
      engine.loadRules(before);
      this.#watchDistance(before);
      throw cause;
    }
    stream?.load({ profile: next, packets });
    datagrams?.load(packets);
    this.#profile = next;
    this.#settings = settings;
  }

  #watchDistance(table: Uint8Array): void {
    for (const tap of this.parts.queues.taps) watchDistance(this.platform, tap, table);
  }

  /** The first rule that wants connections: device and listeners are made ready for them. */
  #openStream({ profile, packets }: StreamProfiles): void {
    const { stream, queues } = this.parts;
    const { platform, config } = this;
    const link = streamLinkOf(platform, { ...config, engine: { profile: packets } });
    if (stream?.isOpen === true || (link === undefined && !wantsStream(packets))) return;
    const isPossible = config.stream?.openNow !== undefined && platform.addAddresses !== undefined;
    if (stream && link && isPossible) {
      platform.addAddresses?.(queues.device, streamAddresses(link));
      stream.openNow(config.stream, link, { profile, packets });
    } else if (wantsStream(packets)) throw new BackendError("E_NOT_SUPPORTED", NEEDS_START);
  }
}

/** What the step threw; undefined: it was done. */
function attempt(step: () => void): Error | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function createEngine(profile: Profile, table: Uint8Array): Promise<Engine> {
  try {
    const engine = await Engine.create({ maxFlows: profile.limits.maxFlows, warm: false });
    engine.loadRules(table);
    return engine;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BackendError("E_ENGINE", `engine did not start: ${why}`, { cause });
  }
}

function mtuOf(settings: TunSettings, uplinks: Uplinks): number {
  if (settings.mtu !== undefined && settings.mtu !== 0) return settings.mtu;
  return uplinks.names.length === 0 ? TUN_DEFAULTS.mtu : uplinks.mtuBytes;
}

function deviceOptions(settings: TunSettings, uplinks: Uplinks): Parameters<TunPlatform["openDevice"]>[0] {
  return {
    name: settings.deviceName ?? TUN_DEFAULTS.deviceName,
    mtuBytes: mtuOf(settings, uplinks),
    offload: settings.offload !== false,
    txQueueLength: 1000,
    ipv6LinkLocal: "none",
  };
}

function laneOptions(device: TunDevice, egress: Egress, settings: TunSettings, uplinks: Uplinks): LaneOptions {
  return {
    mtuBytes: mtuOf(settings, uplinks),
    rxVnet: device.capabilities.vnetHeader,
    txVnet: egress.capabilities.vnetHeader,
    dropLinkScope: true,
  };
}
