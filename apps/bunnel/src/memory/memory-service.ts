// A running service's memory: the file, the network that the machine is in, and what is seen of traffic.
//
//   before privileges go:  file, tap and sockets are opened
//   at each look:          what arrived, then what came up (a message is copied before it leaves, so it is here before
//                          any answer), then what the system knows of sockets (each second) and the network (each five
//                          while messages come up)
import type { BackendHandle, CaptureRecord } from "@bunnel/backend";
import { egressOf, type Profile } from "@bunnel/profile";
import type { ControlCommands } from "../control/server.ts";
import { errorFields } from "../logs/error-fields.ts";
import type { Log } from "../logs/log.ts";
import type { ServiceUser } from "../privileges/service-user.ts";
import { QUIET_EVERY_MS, type PacketHearer } from "../service/quiet-looks.ts";
import { WatchedRelays } from "../stream/watched-relays.ts";
import { MEMORY_LIMITS } from "./contract.ts";
import { hostCommands } from "./host-commands.ts";
import { Learning, type LearningFigures, type LearningNews } from "./learning.ts";
import { Memory } from "./memory.ts";
import { networkNow } from "./network.linux.ts";
import { IN_MEMORY } from "./open-database.ts";
import { giveFolder, memoryPath, prepareFolder } from "./place.ts";
import { QuicFinder } from "./read-quic.ts";
import { MessageFinder, readInbound, readRelayed } from "./read-traffic.ts";
import { openTraffic, type Traffic } from "./traffic.linux.ts";
import type { QuicSeen, Seen } from "./watch/seen.ts";

const SOCKETS_EVERY_MS = 1_000;
const NETWORK_EVERY_MS = 5_000;
/** While no message comes up, nothing hangs on it; what the system tells of changes is heard in between. */
const NETWORK_IDLE_MS = 30_000;
/** Resets and forged answers come behind a message at once: for so long it is looked as often as can be. */
const FRESH_MS = 2_000;
/** Looking takes one part of so many of the time at most. */
const SHARE = 50;
/** An IPv4 gateway that never says its hardware address has none. */
const UNSETTLED_MAX_MS = 30_000;

export interface MemoryServiceOptions {
  readonly profile: Profile;
  readonly stateDir: string;
  readonly user: ServiceUser | undefined;
  readonly log: Log;
  /** False: this system does not show what became of connections, and nothing is learnt. Default true. */
  readonly canLook?: boolean;
}

/** What the service says of its memory. */
export type MemoryFigures = Partial<LearningFigures> & {
  readonly enabled: boolean;
  /** Where it is kept; null: nowhere. */
  readonly file: string | null;
  /** Whether traffic is looked at for failures. */
  readonly watching: boolean;
};

export class MemoryService implements Disposable, PacketHearer {
  #handle: BackendHandle | undefined;
  #arrived: Uint8Array[] = [];
  #answers: QuicSeen[] = [];
  #sampled = new Set<string>();
  readonly #finder = new MessageFinder();
  readonly #quic = new QuicFinder((flow, id) => this.learning?.watches.quicHostOf(flow, id));
  readonly #relays = new WatchedRelays();
  #socketsAt = 0;
  #networkAt = 0;
  #isSettled = false;
  #freshUntil = 0;
  /** What the service began with, or was given last. */
  #effective: Profile | undefined;

  private constructor(
    readonly options: MemoryServiceOptions,
    /** Undefined: switched off. */
    readonly learning: Learning | undefined,
    readonly memory: Memory | undefined,
    readonly traffic: Traffic | undefined,
  ) {}

  /** Opens everything that needs privileges. What cannot be had is logged, and the service goes on without it. */
  static open(options: MemoryServiceOptions): MemoryService {
    const { profile, log, canLook = true } = options;
    if (!profile.memory.enabled || !canLook) return new MemoryService(options, undefined, undefined, undefined);
    const memory = openMemory(options);
    const apply = { run: (_profile: Profile): void => undefined };
    const learning = new Learning({
      memory,
      profile,
      apply: (next) => apply.run(next),
      tell: (news) => tell(log, news),
      fail: (what, error) => log.warning(what, errorFields(error)),
      now: () => performance.now(),
      date: Date.now,
    });
    const traffic = profile.memory.watch ? openedTraffic(profile, log) : undefined;
    const service = new MemoryService(options, learning, memory, traffic);
    apply.run = (next) => {
      service.#hear(next);
      service.#handle?.pipeline.load(next);
    };
    service.#lookAtNetwork(false);
    return service;
  }

  get figures(): MemoryFigures {
    const { learning, memory, traffic } = this;
    const path = memory === undefined || memory.path === IN_MEMORY ? null : memory.path;
    return { enabled: learning !== undefined, file: path, watching: traffic !== undefined, ...learning?.figures };
  }

  /** Where relays tell of their messages; undefined: nobody looks at what becomes of flows. */
  get relays(): WatchedRelays | undefined {
    return this.traffic === undefined ? undefined : this.#relays;
  }

  /** What the control socket can ask. */
  get commands(): ControlCommands {
    const { learning, memory } = this;
    if (learning === undefined || memory === undefined) {
      const off = (): never => {
        const isSeen = this.options.canLook !== false;
        const why = isSeen ? "switched off by [memory] enabled = false" : "this system does not show how flows fare";
        throw new Error(`memory: ${why}`);
      };
      return { hosts: off, "hosts-forget": off, "hosts-set": off, "hosts-record": off };
    }
    return hostCommands({ memory, network: () => learning.network, changed: () => learning.reread() });
  }

  /** A profile with what was learnt of hosts. */
  effective(profile: Profile): Profile {
    const effective = this.learning?.effective(profile) ?? profile;
    this.#effective = effective;
    this.#hear(effective);
    return effective;
  }

  /** Another profile is in force. */
  use(profile: Profile): void {
    this.learning?.use(profile);
  }

  /** Gives the file to the service's user. Called while the process may do so. */
  give(): void {
    const { user, stateDir } = this.options;
    if (user !== undefined && this.memory !== undefined && this.memory.path !== IN_MEMORY) {
      giveFolder(this.memory.path, stateDir, user);
    }
  }

  /** What is learnt from now on is put in force there. Undefined: nobody has to tell what comes up. */
  follow(handle: BackendHandle): PacketHearer | undefined {
    this.#handle = handle;
    if (this.#effective !== undefined) this.#hear(this.#effective);
    return this.learning === undefined ? undefined : this;
  }

  /** The system says that the network may be another. */
  networkChanged(): void {
    this.#networkAt = 0;
    this.#isSettled = false;
  }

  nextLookMs(): number {
    const { learning } = this;
    if (learning === undefined || this.traffic === undefined) return Infinity;
    const { watches } = learning;
    const isFast = this.#relays.any || watches.quic.length > 0 || performance.now() < this.#freshUntil;
    if (isFast) return QUIET_EVERY_MS;
    return watches.flows.length === 0 ? Infinity : Math.max(this.#socketsAt - performance.now(), QUIET_EVERY_MS);
  }

  begin(): void {
    this.#arrived = this.traffic?.arrived() ?? [];
    this.#answers = this.traffic?.quic.arrived() ?? [];
  }

  take(records: readonly CaptureRecord[]): void {
    const { learning } = this;
    if (learning === undefined) return;
    if (records.length > 0) this.#freshUntil = performance.now() + FRESH_MS;
    if (this.traffic !== undefined) {
      learning.take(records.flatMap((record) => this.#finder.take(record) ?? []));
      learning.take(this.#relays.take().map(readRelayed));
      learning.take(
        this.#arrived.flatMap((packet) => readInbound(packet, (flow) => learning.watches.hostOf(flow)) ?? []),
      );
      learning.take(records.flatMap((record) => this.#quic.take(record) ?? []));
      learning.take(this.#answers);
      this.traffic.quic.follow(learning.watches.quic);
      learning.take(this.#sockets(learning));
    }
    this.#lookAtNetwork(records.length === 0 && this.#isSettled);
    learning.tick();
  }

  /** Closes all of it. */
  close(): void {
    this.#handle = undefined;
    this.traffic?.[Symbol.dispose]();
    this.memory?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** With nftables, QUIC that no rule wants never comes up, and nothing has to be known of it. */
  #hear(profile: Profile): void {
    if (this.#handle === undefined) return;
    this.traffic?.quic.hear(this.#handle.stats.method !== "nft" || bringsUpQuic(profile));
  }

  #sockets(learning: Learning): Seen[] {
    const flows = learning.watches.flows;
    const now = performance.now();
    // Of most flows it is known what became of them before there is anything to ask the system.
    if (flows.length === 0) this.#socketsAt = now + SOCKETS_EVERY_MS;
    if (this.traffic === undefined || now < this.#socketsAt) return [];
    this.#socketsAt = now + SOCKETS_EVERY_MS;
    try {
      const seen = this.traffic.sockets(flows, this.#sampled, learning.watches.comparesOthers);
      // A machine with a hundred thousand connections is asked less often.
      this.#socketsAt += SHARE * (performance.now() - now);
      this.#sampled = new Set(seen.flatMap((each) => (each.seen === "socket" ? [each.flow] : [])));
      return seen;
    } catch (error) {
      this.options.log.debug("sockets not seen", errorFields(error));
      return [];
    }
  }

  #lookAtNetwork(isIdle: boolean): void {
    const now = performance.now();
    const patienceMs = isIdle ? NETWORK_IDLE_MS - NETWORK_EVERY_MS : 0;
    if (this.learning === undefined || now < this.#networkAt + patienceMs) return;
    this.#networkAt = now + NETWORK_EVERY_MS;
    try {
      const network = networkNow(now < UNSETTLED_MAX_MS || this.learning.network !== undefined);
      this.#networkAt += SHARE * (performance.now() - now);
      this.#isSettled = network !== "unsettled";
      if (network === "unsettled") this.#networkAt = now + SOCKETS_EVERY_MS;
      else if (network !== undefined) this.learning.enter(network);
    } catch (error) {
      this.options.log.debug("network not seen", errorFields(error));
    }
  }
}

function openMemory({ profile, stateDir, user, log }: MemoryServiceOptions): Memory {
  const options = {
    limits: { ...MEMORY_LIMITS, hosts: profile.memory.maxHosts },
    setAside: (path: string) => log.error("memory was damaged, a new one was begun", { setAside: path }),
  };
  try {
    const path = memoryPath(profile.memory.file, stateDir);
    prepareFolder(path, stateDir, user);
    return Memory.open(path, options);
  } catch (error) {
    log.error("memory not kept", errorFields(error));
    return Memory.open(IN_MEMORY, options);
  }
}

/** Whether a rule has datagrams of QUIC brought up: for a strategy, or to carry them by sockets. */
function bringsUpQuic(profile: Profile): boolean {
  return profile.rules.some((rule) => {
    const wants = rule.strategy.clauses.some(({ kind }) => kind === "quic");
    return rule.enabled && (wants || (egressOf(rule) === "stream" && rule.carries.includes("udp")));
  });
}

function openedTraffic({ gateway }: Profile, log: Log): Traffic | undefined {
  try {
    return openTraffic(gateway.interfaces.length > 0);
  } catch (error) {
    log.warning("traffic not watched", errorFields(error));
    return undefined;
  }
}

function tell(log: Log, { event, fields }: LearningNews): void {
  if (event === "no strategy works") log.warning(event, fields);
  else log.info(event, fields);
}
