// From what became of flows to what is done for a host. Pure: time is told, nothing is asked.
//
//   settled ── failures reach the threshold ──▶ on trial ── one works ──▶ settled, with the new strategy
//                                               │   ▲
//                                               └───┘ fails: the next candidate
//                                               │
//                                               └── none left, or too many tries ──▶ resting, with the first strategy
import type { FlowVerdict, WatchedKind } from "./seen.ts";

/** Settings that the profile has. */
export interface WatchSettings {
  /** Failures of a host within the window that make its strategy suspect. */
  readonly failures: number;
  readonly windowMs: number;
  /** Strategies that are tried for one host within an hour. */
  readonly triesPerHour: number;
}

/** A failure of a strategy on trial counts for so much of the threshold that two of them are enough. */
export const TRIAL_THRESHOLD = 1.5;
/** Failures of messages that went out together are one: a browser opens six connections at once. */
export const SAME_MOMENT_MS = 100;
/** How long a host is left alone when nothing helped; twice as long each time after that. */
export const REST_MS = 10 * 60_000;
export const REST_MAX_MS = 24 * 3600_000;
/** Hosts at a time; the one that was quiet for longest goes. */
export const HOSTS_MAX = 2_000;
/** Other threads carry a change out, and tell of messages a moment behind: those of so long are the one's before. */
export const IN_FORCE_MS = 400;
const HOUR_MS = 3600_000;

/** What shall be done. */
export type Step =
  /** `from` failed, `to` is tried from now on. Undefined: what the profile says. */
  | ({ readonly step: "try"; readonly host: string; readonly from: string | undefined; readonly to: string } & Why)
  /** Nothing helped: back to what the profile says, until the rest is over. */
  | ({ readonly step: "rest"; readonly host: string; readonly from: string | undefined; readonly restMs: number } & Why)
  /** The strategy works; `isNew`: it was on trial until now. */
  | { readonly step: "works"; readonly host: string; readonly strategy: string | undefined; readonly isNew: boolean };

interface Why {
  readonly symptom: NonNullable<FlowVerdict["symptom"]>;
  /** How many failures made it so. */
  readonly failures: number;
}

/** The next candidate for a host, but for those; undefined: there is none. */
export type NextCandidate = (host: string, kind: WatchedKind, tried: ReadonlySet<string>) => string | undefined;

interface Failure extends Pick<FlowVerdict, "symptom" | "helloAt" | "weight"> {
  readonly at: number;
}

interface Host {
  /** Undefined: what the profile says. */
  strategy: string | undefined;
  since: number;
  onTrial: boolean;
  /** What made the last change needed. */
  because: FlowVerdict["symptom"];
  failures: Failure[];
  readonly tried: Set<string>;
  tries: number[];
  restUntil: number;
  rests: number;
}

export class HostWatch {
  readonly #hosts = new Map<string, Host>();

  constructor(
    public settings: WatchSettings,
    readonly next: NextCandidate,
  ) {}

  /** Hosts of which something is known. */
  get size(): number {
    return this.#hosts.size;
  }

  /** Whether a strategy was begun for it of which nothing is known yet. */
  isOnTrial(host: string): boolean {
    return this.#hosts.get(host)?.onTrial === true;
  }

  /** Says what a host has from now on, whatever is thought of it; undefined: what the profile says. */
  assign(host: string, strategy: string | undefined): void {
    if (this.#hosts.get(host)?.strategy === strategy) return;
    this.#hosts.delete(host);
    if (strategy !== undefined) this.#of(host).strategy = strategy;
  }

  /** Another network: nothing of before counts. */
  clear(): void {
    this.#hosts.clear();
  }

  /** What follows from a verdict. `isPinned`: what the host has is not changed. */
  take(verdict: FlowVerdict, now: number, isPinned = false): Step | undefined {
    const { host: name, helloAt, symptom } = verdict;
    const known = this.#hosts.get(name);
    // A host that always worked costs nothing.
    if (symptom === undefined && known === undefined)
      return { step: "works", host: name, strategy: undefined, isNew: false };
    const host = known ?? this.#of(name);
    // It went out with the strategy before. Who is said to have failed so soon may have, too.
    if (helloAt < host.since + (symptom === undefined ? 0 : IN_FORCE_MS)) return undefined;
    if (symptom === undefined) return this.#worked(name, host, verdict.isQuick === true, now);
    if (now < host.restUntil || isPinned) return undefined;
    // It says nothing of a strategy that had nothing to act on.
    if (verdict.isResidual === true && host.onTrial) return undefined;
    return this.#failed(name, host, { ...verdict, symptom }, now);
  }

  /** A page says nothing of whether something large would be throttled; what came quickly does. */
  #worked(name: string, host: Host, isQuick: boolean, now: number): Step | undefined {
    if (host.onTrial && host.because === "throttle" && !isQuick) return undefined;
    const isNew = host.onTrial;
    host.onTrial = false;
    host.failures = host.failures.filter((failure) => failure.symptom === "throttle" && !isQuick);
    host.tried.clear();
    if (now >= host.restUntil) host.rests = 0;
    return { step: "works", host: name, strategy: host.strategy, isNew };
  }

  #failed(
    name: string,
    host: Host,
    { helloAt, weight, symptom, kind }: FlowVerdict & Pick<Why, "symptom">,
    now: number,
  ): Step | undefined {
    const { failures, windowMs } = this.settings;
    host.failures = host.failures.filter(({ at }) => now - at < windowMs);
    if (host.failures.some((other) => Math.abs(other.helloAt - helloAt) < SAME_MOMENT_MS)) return undefined;
    host.failures.push({ at: now, helloAt, weight, symptom });
    const sum = host.failures.reduce((total, each) => total + each.weight, 0);
    if (sum < (host.onTrial ? Math.min(TRIAL_THRESHOLD, failures) : failures)) return undefined;
    return this.#change(name, host, kind, { symptom, failures: host.failures.length }, now);
  }

  #change(name: string, host: Host, kind: WatchedKind, why: Why, now: number): Step {
    const from = host.strategy;
    if (from !== undefined) host.tried.add(from);
    host.tries = host.tries.filter((at) => now - at < HOUR_MS);
    const isSpent = host.tries.length >= this.settings.triesPerHour;
    const to = isSpent ? undefined : this.next(name, kind, host.tried);
    host.failures = [];
    host.because = why.symptom;
    host.since = now;
    if (to === undefined) {
      const restMs = Math.min(REST_MS * 2 ** host.rests, REST_MAX_MS);
      host.rests++;
      host.restUntil = now + restMs;
      host.strategy = undefined;
      host.onTrial = false;
      host.tried.clear();
      return { step: "rest", host: name, from, restMs, ...why };
    }
    host.tried.add(to);
    host.tries.push(now);
    host.strategy = to;
    host.onTrial = true;
    return { step: "try", host: name, from, to, ...why };
  }

  #of(name: string): Host {
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size >= HOSTS_MAX && oldest !== undefined) this.#hosts.delete(oldest);
    const host: Host = {
      ...{ strategy: undefined, since: -Infinity, onTrial: false, because: undefined, failures: [] },
      ...{ tried: new Set<string>(), tries: [], restUntil: 0, rests: 0 },
    };
    this.#hosts.set(name, host);
    return host;
  }
}
