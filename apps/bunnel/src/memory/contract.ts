// What is remembered of strategies: for each network and host what worked, when, and how often it failed.

/** Stands for every network, in pins. */
export const ANY_NETWORK = "*";

/** How it was found out: by `bunnel probe`, by traffic itself, or somebody said so. */
export type Evidence = "probe" | "traffic" | "user";

/** What showed that a strategy does not work. */
export type Symptom = (typeof SYMPTOMS)[number] | "other";

/** Those that traffic shows. */
export const SYMPTOMS = ["reset", "silence", "redirect", "freeze", "throttle"] as const;

/** One time that a strategy worked for a host, or did not. */
export interface Outcome {
  /** The fingerprint of the network, as `networkNow` gives it. */
  readonly network: string;
  /** A host name; it is kept in lower case, without a dot at its end. */
  readonly host: string;
  /** As a rule of a profile has it: `preset:name`, or a strategy in the notation. */
  readonly strategy: string;
  readonly worked: boolean;
  readonly how: Evidence;
  /** Of one that did not work. */
  readonly symptom?: Symptom;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The strategy to begin with. */
export interface Best {
  readonly strategy: string;
  /** Somebody set it, and nothing but he changes it. */
  readonly pinned: boolean;
  /** From 0, never worked of late, to 1. A pinned one has 1. */
  readonly score: number;
}

/** What is known of one strategy for one host. */
export interface Tried {
  readonly strategy: string;
  /** Decayed to now; see `score.ts`. */
  readonly score: number;
  /** Times altogether, which do not decay. */
  readonly worked: number;
  readonly failed: number;
  /** Milliseconds since 1970; undefined: never. */
  readonly workedAt: number | undefined;
  readonly failedAt: number | undefined;
  readonly how: Evidence;
  /** Of the last time that it did not work. */
  readonly symptom: Symptom | undefined;
}

/** What is known of one host on one network. */
export interface HostMemory {
  readonly network: string;
  readonly host: string;
  readonly pinned: string | undefined;
  /** Milliseconds since 1970. */
  readonly seenAt: number;
  /** The best first. */
  readonly tried: readonly Tried[];
}

/** A network that something is known of. */
export interface NetworkMemory {
  readonly fingerprint: string;
  /** For people: "192.0.2.1 on eth0". */
  readonly label: string;
  readonly seenAt: number;
  readonly hosts: number;
}

/** What there is room for. What was not seen for longest goes. */
export interface MemoryLimits {
  readonly networks: number;
  /** On each network. */
  readonly hosts: number;
}

/** Without a word about it in the profile. */
export const MEMORY_LIMITS: MemoryLimits = { networks: 64, hosts: 5_000 };

/** What scores less is not begun with: with nothing new, one success counts for four half-lives. */
export const KNOWN_SCORE = 0.52;

/** Strategies that are kept for one host. */
export const TRIED_MAX = 64;

export type MemoryErrorCode =
  /** Made by a newer version of bunnel. */
  | "E_MEMORY_NEWER"
  /** A database of something else. */
  | "E_MEMORY_FOREIGN"
  /** Cannot be opened, read or written. */
  | "E_MEMORY_FILE"
  /** No host name, no strategy. */
  | "E_MEMORY_VALUE";

/** Why the memory cannot be had, or does not take something. */
export class MemoryError extends Error {
  override readonly name = "MemoryError";
  constructor(
    readonly code: MemoryErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
