// The `[memory]` of a profile: what a service remembers of hosts, and when it tries another strategy by itself.
import * as v from "valibot";
import { Fault, ProfileError } from "../errors.ts";
import { deepFreeze } from "../freeze.ts";
import { shown } from "../wording.ts";
import { table as jsonTable, text, texts, whole as jsonWhole, yesOrNo as jsonYesOrNo } from "./json-schema-parts.ts";
import type { JsonSchema } from "./json-schema-parts.ts";
import { list as printList, quoted } from "./print-words.ts";
import { readRuleStrategy } from "./rule-strategy.ts";
import { list, oneOf, read, table, whole, yesOrNo } from "./schema-words.ts";
import { readPath } from "./values.ts";

export const REMEMBERED = ["failed", "all"] as const;
/** Which hosts are remembered: those where something failed once, or every one. */
export type Remembered = (typeof REMEMBERED)[number];

/** The `[memory]` of a profile. */
export interface MemorySettings {
  /** False: nothing is read, and nothing is written. */
  readonly enabled: boolean;
  /** "": memory.sqlite in the service's own folder. */
  readonly file: string;
  readonly remember: Remembered;
  /** On each network; what was not seen for longest goes. */
  readonly maxHosts: number;
  /** Whether failures are noticed, and other strategies tried. */
  readonly watch: boolean;
  /** Failures of a host within the window that make its strategy suspect. */
  readonly failures: number;
  readonly windowSeconds: number;
  /** Flows that bring less in each second, in KiB, may be throttled. 0: nobody looks. */
  readonly throttledKib: number;
  /** For so long. */
  readonly throttledSeconds: number;
  /** Strategies that are tried for one host. */
  readonly triesPerHour: number;
  /** Strategies to try, as a rule has them. None: those of the catalogue. */
  readonly candidates: readonly string[];
}

/** What a profile has that says nothing of it. */
export const MEMORY_DEFAULTS: MemorySettings = deepFreeze({
  enabled: true,
  file: "",
  remember: REMEMBERED[0],
  maxHosts: 5_000,
  watch: true,
  failures: 3,
  windowSeconds: 60,
  throttledKib: 32,
  throttledSeconds: 8,
  triesPerHour: 20,
  candidates: [],
});

const HOSTS_MAX = 100_000;
const FAILURES_MAX = 100;
const WINDOW_MAX_SECONDS = 3_600;
const TRIES_MAX = 1_000;
const THROTTLED_MAX_KIB = 1_024;
const THROTTLED_MIN_SECONDS = 3;
const THROTTLED_MAX_SECONDS = 60;

function readCandidate(value: unknown): string | Fault {
  if (typeof value !== "string") return new Fault(`expected a strategy or a preset's name, found ${shown(value)}`);
  try {
    readRuleStrategy(value);
    return value.trim();
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    return new Fault(error.problems[0]?.message ?? error.message);
  }
}

/** The schema of `[memory]`. */
export const memoryTable = table({
  enabled: v.optional(yesOrNo, MEMORY_DEFAULTS.enabled),
  file: v.optional(read(readPath), MEMORY_DEFAULTS.file),
  remember: v.optional(oneOf(REMEMBERED), MEMORY_DEFAULTS.remember),
  max_hosts: v.optional(whole(1, HOSTS_MAX), MEMORY_DEFAULTS.maxHosts),
  watch: v.optional(yesOrNo, MEMORY_DEFAULTS.watch),
  failures: v.optional(whole(1, FAILURES_MAX), MEMORY_DEFAULTS.failures),
  window_seconds: v.optional(whole(1, WINDOW_MAX_SECONDS), MEMORY_DEFAULTS.windowSeconds),
  throttled_kib: v.optional(whole(0, THROTTLED_MAX_KIB), MEMORY_DEFAULTS.throttledKib),
  throttled_seconds: v.optional(whole(THROTTLED_MIN_SECONDS, THROTTLED_MAX_SECONDS), MEMORY_DEFAULTS.throttledSeconds),
  tries_per_hour: v.optional(whole(1, TRIES_MAX), MEMORY_DEFAULTS.triesPerHour),
  candidates: v.optional(list(read(readCandidate)), [...MEMORY_DEFAULTS.candidates]),
});

/** The section from what was read. */
export function buildMemory(input: v.InferOutput<typeof memoryTable>): MemorySettings {
  const { enabled, file, remember, watch, failures, candidates } = input;
  return {
    ...{ enabled, file, remember, maxHosts: input.max_hosts, watch, failures },
    ...{ windowSeconds: input.window_seconds, triesPerHour: input.tries_per_hour, candidates },
    ...{ throttledKib: input.throttled_kib, throttledSeconds: input.throttled_seconds },
  };
}

/** The entries of the section, as a profile's text has them. */
export function memoryEntries(memory: MemorySettings): readonly (readonly [string, string])[] {
  return [
    ["enabled", String(memory.enabled)],
    ["file", quoted(memory.file)],
    ["remember", quoted(memory.remember)],
    ["max_hosts", String(memory.maxHosts)],
    ["watch", String(memory.watch)],
    ["failures", String(memory.failures)],
    ["window_seconds", String(memory.windowSeconds)],
    ["throttled_kib", String(memory.throttledKib)],
    ["throttled_seconds", String(memory.throttledSeconds)],
    ["tries_per_hour", String(memory.triesPerHour)],
    ["candidates", printList("candidates", memory.candidates.map(quoted))],
  ];
}

/** The section as the commented sample has it. */
export function memoryText(): string {
  const memory = MEMORY_DEFAULTS;
  return `# What the service remembers of hosts, for each network that this machine is in, and when it tries
# another strategy for one by itself. Host names stand in the file, which only the service can read; "bunnel hosts"
# edits it.
[memory]
# false: nothing is read, and nothing is written.
enabled = ${memory.enabled}
# Empty: memory.sqlite in /var/lib/bunnel, or in the state directory where another one was named.
file = ${quoted(memory.file)}
# "failed": hosts where something failed once. "all": every host that a rule acts on.
remember = ${quoted(memory.remember)}
# Hosts on each network; what was not seen for longest goes.
max_hosts = ${memory.maxHosts}
# Whether failures are noticed from the traffic itself, and other strategies tried.
watch = ${memory.watch}
# So many failures of a host, within so many seconds, make its strategy suspect.
failures = ${memory.failures}
window_seconds = ${memory.windowSeconds}
# A flow that brings less than so many KiB in each of so many seconds, while segments of it are dropped on the way and
# another flow is twice as quick, is throttled: three quarters of a failure. 0: nobody looks for that.
throttled_kib = ${memory.throttledKib}
throttled_seconds = ${memory.throttledSeconds}
# Strategies that are tried for one host within an hour.
tries_per_hour = ${memory.triesPerHour}
# Which, as a rule has them: "preset:aggressive", "tls: split(2)". Empty: those of the catalogue, the cheapest first.
candidates = []
`;
}

/** The section in the JSON Schema. */
export function memoryJsonSchema(): JsonSchema {
  const memory = MEMORY_DEFAULTS;
  return jsonTable("What the service remembers of hosts, and when it tries another strategy.", {
    enabled: jsonYesOrNo("false: nothing is read or written.", memory.enabled),
    file: text("The database. Empty: in the service's own folder.", { default: memory.file }),
    remember: text("Hosts where something failed once, or all.", { enum: REMEMBERED, default: memory.remember }),
    max_hosts: jsonWhole("Hosts on each network.", 1, HOSTS_MAX, memory.maxHosts),
    watch: jsonYesOrNo("Failures are noticed, and other strategies tried.", memory.watch),
    failures: jsonWhole("Failures that make a strategy suspect.", 1, FAILURES_MAX, memory.failures),
    window_seconds: jsonWhole("Within so many seconds.", 1, WINDOW_MAX_SECONDS, memory.windowSeconds),
    throttled_kib: jsonWhole(
      "Slower flows, in KiB/s, may be throttled. 0: none.",
      0,
      THROTTLED_MAX_KIB,
      memory.throttledKib,
    ),
    throttled_seconds: jsonWhole("For so long.", THROTTLED_MIN_SECONDS, THROTTLED_MAX_SECONDS, memory.throttledSeconds),
    tries_per_hour: jsonWhole("Strategies tried for one host.", 1, TRIES_MAX, memory.triesPerHour),
    candidates: texts("Strategies to try. Empty: those of the catalogue."),
  });
}
