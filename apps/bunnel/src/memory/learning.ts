// What a service learns of hosts while it runs: what is seen of traffic goes in, and the profile with what was learnt
// comes out. Time and all that it acts on are given to it.
//
//   what is seen ─▶ FlowWatch ─▶ HostWatch ─▶ steps ─▶ Memory, and rules ahead of the profile's
import { readRuleStrategy, ruleStrategyText, type Profile } from "@bunnel/profile";
import { candidatesOf, type Candidates } from "./candidates-of.ts";
import { ANY_NETWORK, KNOWN_SCORE, SYMPTOMS, type HostMemory, type Outcome } from "./contract.ts";
import type { Symptom, Tried } from "./contract.ts";
import { hostKey, isForQuic, quicPart, readHostKey } from "./host-key.ts";
import { changesHost, Deciders, learnedProfile, type Learned } from "./learned-profile.ts";
import type { Memory } from "./memory.ts";
import { keptStrategy } from "./names.ts";
import type { Network } from "./network.ts";
import { UNKNOWN_SCORE } from "./score.ts";
import { inOrder } from "./watch/candidates.ts";
import { HostWatch, type Step } from "./watch/host-watch.ts";
import type { FlowVerdict, Seen, WatchedKind } from "./watch/seen.ts";
import { Watches } from "./watch/watches.ts";

/** What happens, told to whoever logs. */
export interface LearningNews {
  readonly event: "strategy changed" | "strategy works" | "no strategy works" | "strategy outdated" | "network";
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LearningParts {
  readonly memory: Memory;
  readonly profile: Profile;
  /** Puts another profile in force. @throws what the backend has against it */
  readonly apply: (profile: Profile) => void;
  readonly tell: (news: LearningNews) => void;
  /** Told of what could not be written or applied. */
  readonly fail: (what: string, error: unknown) => void;
  /** Milliseconds of a clock that does not go back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly date: () => number;
}

/** A host that works is noted so often at most. */
const NOTE_EVERY_MS = 10 * 60_000;
/** How often it is looked for what was true too long ago. */
const REFRESH_EVERY_MS = 3600_000;
/** Putting rules in force shall take a twentieth of the time at most. */
const APPLY_SHARE = 20;

/** Figures of a service's memory, as of now. */
export interface LearningFigures {
  readonly network: string | undefined;
  /** Hosts of this network whose strategy is another than the profile's. */
  readonly learned: number;
  readonly pinned: number;
  /** Changes of a host's strategy since the start, by what made them needed. */
  readonly changes: Readonly<Record<string, number>>;
  /** Flows that failed, and that worked. */
  readonly failures: Readonly<Record<string, number>>;
  readonly worked: number;
  /** Hosts for which nothing helped. */
  readonly helpless: number;
}

export class Learning {
  readonly watches: Watches;
  readonly #hosts: HostWatch;
  #base: Profile;
  /** Undefined: nobody has needed them yet. To write each into a table takes a fifth of the start of a service. */
  #candidates: Candidates | undefined;
  #deciders: Deciders | undefined;
  #network: Network | undefined;
  /** By `hostKey`. */
  #learned = new Map<string, Learned>();
  /** Hosts of this network in the memory. */
  #known = new Set<string>();
  /** Strategies that work for some host of this network, the latest first. */
  #working: string[] = [];
  /** When something was noted of a host last. */
  readonly #notedAt = new Map<string, number>();
  /** Hosts that changed since rules were put in force last; undefined: nothing did. */
  #changed: Set<string> | undefined;
  #applyAt = 0;
  #refreshAt = 0;
  readonly #changes: Record<string, number> = Object.fromEntries(SYMPTOMS.map((symptom) => [symptom, 0]));
  readonly #failures: Record<string, number> = { ...this.#changes };
  #worked = 0;
  #helpless = 0;

  constructor(readonly parts: LearningParts) {
    this.#base = parts.profile;
    this.watches = new Watches(rateSettings(parts.profile));
    this.#hosts = new HostWatch(watchSettings(parts.profile), (key, kind, tried) => this.#next(key, kind, tried));
    this.#refreshAt = parts.now() + REFRESH_EVERY_MS;
    // What is pinned in all networks holds before this one is known.
    this.#read();
  }

  get network(): Network | undefined {
    return this.#network;
  }

  get figures(): LearningFigures {
    const all = [...this.#learned].map(([key, { pinned }]) => ({ host: readHostKey(key).host, pinned }));
    return {
      network: this.#network?.label,
      learned: new Set(all.filter(({ pinned }) => !pinned).map(({ host }) => host)).size,
      pinned: all.filter(({ pinned }) => pinned).length,
      changes: { ...this.#changes },
      failures: { ...this.#failures },
      worked: this.#worked,
      helpless: this.#helpless,
    };
  }

  /** A profile with what was learnt. */
  effective(profile: Profile): Profile {
    if (this.#learned.size === 0 || !profile.enabled) return profile;
    return learnedProfile(profile === this.#base ? this.#decide() : new Deciders(profile), this.#learned);
  }

  /** Another profile is in force, with what was learnt. */
  use(profile: Profile): void {
    this.#base = profile;
    this.#deciders = undefined;
    this.#candidates = undefined;
    this.#hosts.settings = watchSettings(profile);
    this.watches.settings = rateSettings(profile);
  }

  /** This machine is in this network from now on. */
  enter(network: Network): void {
    if (this.#network?.fingerprint === network.fingerprint) return;
    this.#network = network;
    this.#hosts.clear();
    this.watches.clear();
    this.#attempt("memory not written", () => {
      this.parts.memory.nameNetwork(network.fingerprint, network.label, this.parts.date());
    });
    this.#read();
    this.#touch();
    this.parts.tell({ event: "network", fields: { network: network.label, hosts: this.#known.size } });
    this.#apply();
  }

  /** Takes what was seen, in the order in which it happened. */
  take(seen: readonly Seen[]): void {
    if (this.#network === undefined) return;
    const now = this.parts.now();
    for (const each of seen) this.#judge(this.watches.take(each, now), now);
    this.#apply();
  }

  /** Called every now and then. */
  tick(): void {
    if (this.#network === undefined) return;
    const now = this.parts.now();
    this.#judge(this.watches.tick(now), now);
    if (now >= this.#refreshAt) this.#refresh(now);
    this.#apply();
  }

  /** Reads the memory again, because somebody changed it, and puts it in force. @throws what the backend says */
  reread(): void {
    const before = this.#learned;
    this.#read();
    this.#touch();
    try {
      this.#applyNow();
    } catch (error) {
      this.#learned = before;
      throw error;
    }
  }

  #decide(): Deciders {
    this.#deciders ??= new Deciders(this.#base);
    return this.#deciders;
  }

  /** What the memory says of this network, and of all of them; hosts in between two strategies stay as they are. */
  #read(): void {
    const { memory, date } = this.parts;
    const fingerprint = this.#network?.fingerprint;
    const before = this.#learned;
    this.#learned = new Map();
    this.#known = new Set();
    this.#attempt("memory not read", () => {
      const here = fingerprint === undefined ? [] : memory.hosts(fingerprint, date());
      this.#working = workingOf(here);
      for (const { host, pinned } of memory.hosts(ANY_NETWORK, date())) {
        if (pinned !== undefined) this.#learned.set(host, { strategy: pinned, pinned: true });
      }
      for (const { host, pinned, tried } of here) {
        this.#known.add(host);
        if (pinned !== undefined) this.#learned.set(host, { strategy: pinned, pinned: true });
        else for (const kind of ["tls", "quic"] as const) this.#readBest(hostKey(host, kind), tried);
      }
    });
    for (const [key, learned] of before) {
      const { host } = readHostKey(key);
      if (this.#hosts.isOnTrial(key) && this.#known.has(host) && this.#learned.get(host)?.pinned !== true) {
        this.#learned.set(key, learned);
      }
    }
    for (const [key, { strategy }] of this.#learned) this.#hosts.assign(key, strategy);
    for (const key of before.keys()) if (!this.#learned.has(key)) this.#hosts.assign(key, undefined);
  }

  #readBest(key: string, tried: readonly Tried[]): void {
    const best = tried.find(({ strategy }) => isForQuic(strategy) === readHostKey(key).isQuic);
    if (best === undefined || best.score <= KNOWN_SCORE || this.#learned.has(key)) return;
    this.#learned.set(key, { strategy: best.strategy, pinned: false });
  }

  #judge(verdicts: readonly FlowVerdict[], now: number): void {
    for (const verdict of verdicts) {
      const { host, kind, symptom, isQuick } = verdict;
      // What brought a lot was counted when it had brought less.
      if (symptom === undefined) this.#worked += isQuick === true ? 0 : 1;
      else this.#failures[symptom] = (this.#failures[symptom] ?? 0) + 1;
      const pinned = this.#learned.get(host)?.pinned === true;
      const key = hostKey(host, kind);
      const isWatched = this.#base.memory.watch;
      const step = isWatched ? this.#hosts.take({ ...verdict, host: key }, now, pinned) : undefined;
      if (step !== undefined) this.#carryOut(step, kind, now);
      else if (symptom !== undefined && (pinned || !isWatched)) this.#noteSometimes(key, kind, symptom, now);
    }
  }

  #carryOut(step: Step, kind: WatchedKind, now: number): void {
    const { host: key } = step;
    const { host } = readHostKey(key);
    if (step.step === "works") {
      if (!step.isNew) return this.#noteSometimes(key, kind, undefined, now);
      const strategy = step.strategy ?? this.#ownText(host, kind);
      if (strategy === undefined) return;
      this.#note(key, strategy, undefined, 1);
      this.#working = [strategy, ...this.#working.filter((each) => each !== strategy)];
      this.parts.tell({ event: "strategy works", fields: { host, strategy } });
      return;
    }
    const from = step.from ?? this.#ownText(host, kind);
    if (from !== undefined) this.#note(key, from, step.symptom, step.failures);
    this.#touch(key);
    if (step.step === "try") {
      this.#learned.set(key, { strategy: step.to, pinned: false });
      this.#changes[step.symptom] = (this.#changes[step.symptom] ?? 0) + 1;
      const { to, symptom, failures } = step;
      this.parts.tell({ event: "strategy changed", fields: { host, from, to, symptom, failures } });
      return;
    }
    this.#learned.delete(key);
    this.#helpless++;
    const restSeconds = Math.round(step.restMs / 1000);
    this.parts.tell({ event: "no strategy works", fields: { host, symptom: step.symptom, restSeconds } });
  }

  /** The candidate that is tried next for a host. */
  #next(key: string, kind: WatchedKind, tried: ReadonlySet<string>): string | undefined {
    const { memory, date } = this.parts;
    const { host, isQuic } = readHostKey(key);
    const fingerprint = this.#network?.fingerprint ?? "";
    const scores = new Map(memory.tried(fingerprint, host, date()).map(({ strategy, score }) => [strategy, score]));
    const deciders = this.#decide();
    const own = this.#learned.has(key) ? this.#ownText(host, kind) : undefined;
    const isHopeful = own !== undefined && !tried.has(own) && (scores.get(own) ?? 1) > KNOWN_SCORE;
    this.#candidates ??= candidatesOf(this.#base);
    const { usable, quic } = this.#candidates;
    const others = (isQuic ? quic : usable).filter(
      ({ text }) => !tried.has(text) && changesHost(deciders, host, kind, text),
    );
    const suspect = this.#learned.get(key)?.strategy ?? this.#ownText(host, kind) ?? "pass";
    const bad = [...scores].filter(([text, score]) => score < UNKNOWN_SCORE && text !== suspect).map(([text]) => text);
    const failed = [...bad, suspect].map((text) => readRuleStrategy(text).strategy);
    const known = { scoreOf: (text: string) => scores.get(text), elsewhere: this.#working, failed };
    const [first] = inOrder(others, kind, known);
    return isHopeful ? own : first?.text;
  }

  /** What the profile does with a host; undefined: nothing. */
  #ownText(host: string, kind: WatchedKind): string | undefined {
    const deciders = this.#decide();
    if (deciders.clause(host, kind) === undefined) return undefined;
    const rule = this.#base.rules[deciders.rule(host, kind) ?? -1];
    if (rule === undefined) return undefined;
    const text = keptStrategy(ruleStrategyText(rule));
    if (kind !== "quic") return text;
    const learned = this.#learned.get(host)?.strategy;
    return (learned === undefined ? undefined : quicPart(learned)) ?? quicPart(text);
  }

  /** Of hosts that are remembered, and not each time. */
  #noteSometimes(key: string, kind: WatchedKind, symptom: Symptom | undefined, now: number): void {
    const { host } = readHostKey(key);
    const isWanted = this.#known.has(host) || symptom !== undefined || this.#base.memory.remember === "all";
    const noted = this.#notedAt.get(key);
    if (!isWanted || (noted !== undefined && now - noted < NOTE_EVERY_MS)) return;
    const strategy = this.#learned.get(key)?.strategy ?? this.#ownText(host, kind);
    if (strategy !== undefined) this.#note(key, strategy, symptom, 1);
  }

  #note(key: string, strategy: string, symptom: Symptom | undefined, times: number): void {
    const { host } = readHostKey(key);
    const network = this.#network?.fingerprint;
    if (network === undefined) return;
    const at = this.parts.date();
    const how = "traffic" as const;
    const base = { network, host, strategy, how, at };
    const outcome: Outcome = symptom === undefined ? { ...base, worked: true } : { ...base, worked: false, symptom };
    this.#attempt("memory not written", () => {
      this.parts.memory.recordAll(Array.from({ length: times }, () => outcome));
    });
    this.#known.add(host);
    this.#notedAt.delete(key);
    this.#notedAt.set(key, this.parts.now());
    const [oldest] = this.#notedAt.keys();
    if (this.#notedAt.size > this.#base.memory.maxHosts && oldest !== undefined) this.#notedAt.delete(oldest);
  }

  /** What was true too long ago is not held on to. */
  #refresh(now: number): void {
    this.#refreshAt = now + REFRESH_EVERY_MS;
    const before = this.#learned;
    this.#read();
    for (const [key, { strategy }] of before) {
      if (this.#learned.has(key)) continue;
      this.#touch(key);
      this.parts.tell({ event: "strategy outdated", fields: { host: readHostKey(key).host, strategy } });
    }
  }

  #touch(key?: string): void {
    this.#changed ??= new Set();
    if (key !== undefined) this.#changed.add(key);
  }

  /** Puts it in force when the time has come; what cannot be is given up. */
  #apply(): void {
    if (this.#changed === undefined || this.parts.now() < this.#applyAt) return;
    const keys = this.#changed;
    try {
      this.#applyNow();
    } catch (error) {
      this.#changed = undefined;
      for (const key of keys) this.#learned.delete(key);
      this.parts.fail("strategy not applied", error);
    }
  }

  #applyNow(): void {
    const before = this.parts.now();
    this.parts.apply(this.effective(this.#base));
    this.#changed = undefined;
    const after = this.parts.now();
    this.#applyAt = after + APPLY_SHARE * (after - before);
  }

  #attempt(what: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.parts.fail(what, error);
    }
  }
}

function watchSettings({ memory }: Profile) {
  const { failures, windowSeconds, triesPerHour } = memory;
  return { failures, windowMs: windowSeconds * 1000, triesPerHour };
}

function rateSettings({ memory }: Profile) {
  return { slowBytesPerSecond: memory.throttledKib * 1024, slowMs: memory.throttledSeconds * 1000 };
}

/** Strategies that work for some host, the latest first. */
function workingOf(hosts: readonly HostMemory[]): string[] {
  const working = hosts.flatMap(({ tried }) => tried.filter(({ score }) => score > KNOWN_SCORE));
  const latest = working.toSorted((a, b) => (b.workedAt ?? 0) - (a.workedAt ?? 0));
  return [...new Set(latest.map(({ strategy }) => strategy))];
}
