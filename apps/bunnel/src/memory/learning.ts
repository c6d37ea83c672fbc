// What a service learns of hosts while it runs: what is seen of traffic goes in, and the profile with what was learnt
// comes out. Time and all that it acts on are given to it.
//
//   what is seen ─▶ FlowWatch ─▶ HostWatch ─▶ steps ─▶ Memory, and rules ahead of the profile's
import { readRuleStrategy, ruleStrategyText, type Profile } from "@bunnel/profile";
import { candidatesOf, type Candidates } from "./candidates-of.ts";
import { ANY_NETWORK, KNOWN_SCORE, SYMPTOMS, type HostMemory, type Outcome, type Symptom } from "./contract.ts";
import { changesHost, Deciders, learnedProfile, type Learned } from "./learned-profile.ts";
import type { Memory } from "./memory.ts";
import { keptStrategy } from "./names.ts";
import type { Network } from "./network.ts";
import { UNKNOWN_SCORE } from "./score.ts";
import { inOrder } from "./watch/candidates.ts";
import { FlowWatch } from "./watch/flow-watch.ts";
import { HostWatch, type Step } from "./watch/host-watch.ts";
import { RateWatch } from "./watch/rate-watch.ts";
import type { FlowVerdict, Seen, WatchedKind } from "./watch/seen.ts";

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

/** Two looks at what arrived lie so far apart. */
const LOOK_MS = 200;
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
  readonly #flows = new FlowWatch();
  readonly #rates: RateWatch;
  readonly #hosts: HostWatch;
  #base: Profile;
  #candidates: Candidates;
  #deciders: Deciders | undefined;
  #network: Network | undefined;
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
    this.#candidates = candidatesOf(parts.profile);
    this.#rates = new RateWatch(rateSettings(parts.profile));
    this.#hosts = new HostWatch(watchSettings(parts.profile), (host, kind, tried) => this.#next(host, kind, tried));
    this.#refreshAt = parts.now() + REFRESH_EVERY_MS;
    // What is pinned in all networks holds before this one is known.
    this.#read();
  }

  get network(): Network | undefined {
    return this.#network;
  }

  get figures(): LearningFigures {
    const all = [...this.#learned.values()];
    return {
      network: this.#network?.label,
      learned: all.filter(({ pinned }) => !pinned).length,
      pinned: all.filter(({ pinned }) => pinned).length,
      changes: { ...this.#changes },
      failures: { ...this.#failures },
      worked: this.#worked,
      helpless: this.#helpless,
    };
  }

  /** Flows whose sockets are of interest. */
  get watchedFlows(): readonly string[] {
    return [...new Set([...this.#flows.watched, ...this.#rates.watched])];
  }

  /** Whether it is of interest how quick other connections of this machine are. */
  get comparesOthers(): boolean {
    return this.#rates.isAnySlow;
  }

  /** The host whose message went out on a flow. */
  hostOf(flow: string): string | undefined {
    return this.#flows.hostOf(flow);
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
    this.#candidates = candidatesOf(profile);
    this.#hosts.settings = watchSettings(profile);
    this.#rates.settings = rateSettings(profile);
  }

  /** This machine is in this network from now on. */
  enter(network: Network): void {
    if (this.#network?.fingerprint === network.fingerprint) return;
    this.#network = network;
    this.#hosts.clear();
    this.#rates.clear();
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
    for (const each of seen) {
      const verdicts = this.#flows.take(each, now);
      for (const { host, bytes = 0, helloAt } of verdicts)
        this.#rates.brought(host, bytes, now - helloAt + LOOK_MS, now);
      this.#judge([...verdicts, ...this.#rates.take(each, now)], now);
    }
    this.#apply();
  }

  /** Called every now and then. */
  tick(): void {
    if (this.#network === undefined) return;
    const now = this.parts.now();
    this.#judge(this.#flows.tick(now), now);
    this.#rates.tick(now);
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
        const [best] = tried;
        if (pinned !== undefined) this.#learned.set(host, { strategy: pinned, pinned: true });
        else if (best !== undefined && best.score > KNOWN_SCORE && !this.#learned.has(host)) {
          this.#learned.set(host, { strategy: best.strategy, pinned: false });
        }
      }
    });
    for (const [host, learned] of before) {
      if (this.#hosts.isOnTrial(host) && this.#known.has(host) && this.#learned.get(host)?.pinned !== true) {
        this.#learned.set(host, learned);
      }
    }
    for (const [host, { strategy }] of this.#learned) this.#hosts.assign(host, strategy);
    for (const host of before.keys()) if (!this.#learned.has(host)) this.#hosts.assign(host, undefined);
  }

  #judge(verdicts: readonly FlowVerdict[], now: number): void {
    for (const verdict of verdicts) {
      const { host, kind, symptom, isQuick } = verdict;
      // What brought a lot was counted when it had brought less.
      if (symptom === undefined) this.#worked += isQuick === true ? 0 : 1;
      else this.#failures[symptom] = (this.#failures[symptom] ?? 0) + 1;
      const pinned = this.#learned.get(host)?.pinned === true;
      const step = this.#base.memory.watch ? this.#hosts.take(verdict, now, pinned) : undefined;
      if (step !== undefined) this.#carryOut(step, kind, now);
      else if (symptom !== undefined && (pinned || !this.#base.memory.watch))
        this.#noteSometimes(host, kind, symptom, now);
    }
  }

  #carryOut(step: Step, kind: WatchedKind, now: number): void {
    const { host } = step;
    if (step.step === "works") {
      const strategy = step.strategy ?? this.#ownText(host, kind);
      if (strategy === undefined) return;
      if (!step.isNew) return this.#noteSometimes(host, kind, undefined, now);
      this.#note(host, strategy, undefined, 1);
      this.#working = [strategy, ...this.#working.filter((each) => each !== strategy)];
      this.parts.tell({ event: "strategy works", fields: { host, strategy } });
      return;
    }
    const from = step.from ?? this.#ownText(host, kind);
    if (from !== undefined) this.#note(host, from, step.symptom, step.failures);
    this.#touch(host);
    if (step.step === "try") {
      this.#learned.set(host, { strategy: step.to, pinned: false });
      this.#changes[step.symptom] = (this.#changes[step.symptom] ?? 0) + 1;
      const { to, symptom, failures } = step;
      this.parts.tell({ event: "strategy changed", fields: { host, from, to, symptom, failures } });
      return;
    }
    this.#learned.delete(host);
    this.#helpless++;
    const restSeconds = Math.round(step.restMs / 1000);
    this.parts.tell({ event: "no strategy works", fields: { host, symptom: step.symptom, restSeconds } });
  }

  /** The candidate that is tried next for a host. */
  #next(host: string, kind: WatchedKind, tried: ReadonlySet<string>): string | undefined {
    const { memory, date } = this.parts;
    const fingerprint = this.#network?.fingerprint ?? "";
    const scores = new Map(memory.tried(fingerprint, host, date()).map(({ strategy, score }) => [strategy, score]));
    const deciders = this.#decide();
    const own = this.#learned.has(host) ? this.#ownText(host, kind) : undefined;
    const isHopeful = own !== undefined && !tried.has(own) && (scores.get(own) ?? 1) > KNOWN_SCORE;
    const others = this.#candidates.usable.filter(
      ({ text }) => !tried.has(text) && changesHost(deciders, host, kind, text),
    );
    const suspect = this.#learned.get(host)?.strategy ?? this.#ownText(host, kind) ?? "pass";
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
    return rule === undefined ? undefined : keptStrategy(ruleStrategyText(rule));
  }

  /** Of hosts that are remembered, and not each time. */
  #noteSometimes(host: string, kind: WatchedKind, symptom: Symptom | undefined, now: number): void {
    const isWanted = this.#known.has(host) || symptom !== undefined || this.#base.memory.remember === "all";
    const noted = this.#notedAt.get(host);
    if (!isWanted || (noted !== undefined && now - noted < NOTE_EVERY_MS)) return;
    const strategy = this.#learned.get(host)?.strategy ?? this.#ownText(host, kind);
    if (strategy !== undefined) this.#note(host, strategy, symptom, 1);
  }

  #note(host: string, strategy: string, symptom: Symptom | undefined, times: number): void {
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
    this.#notedAt.delete(host);
    this.#notedAt.set(host, this.parts.now());
    const [oldest] = this.#notedAt.keys();
    if (this.#notedAt.size > this.#base.memory.maxHosts && oldest !== undefined) this.#notedAt.delete(oldest);
  }

  /** What was true too long ago is not held on to. */
  #refresh(now: number): void {
    this.#refreshAt = now + REFRESH_EVERY_MS;
    const before = this.#learned;
    this.#read();
    const gone = [...before.keys()].filter((host) => !this.#learned.has(host));
    for (const host of gone) {
      this.#touch(host);
      this.parts.tell({ event: "strategy outdated", fields: { host, strategy: before.get(host)?.strategy } });
    }
  }

  #touch(host?: string): void {
    this.#changed ??= new Set();
    if (host !== undefined) this.#changed.add(host);
  }

  /** Puts it in force when the time has come; what cannot be is given up. */
  #apply(): void {
    if (this.#changed === undefined || this.parts.now() < this.#applyAt) return;
    const hosts = this.#changed;
    try {
      this.#applyNow();
    } catch (error) {
      this.#changed = undefined;
      for (const host of hosts) this.#learned.delete(host);
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
