// The command line of the fuzzer.
import { parseArgs } from "node:util";
import { join } from "node:path";
import { TARGET_NAMES, type TargetName } from "./targets.ts";

export interface FuzzArguments {
  readonly targets: readonly TargetName[];
  readonly seconds: number;
  /** Of each target; of a long run, of all targets together. */
  readonly executions: number;
  readonly seed: number;
  /** Put the inputs that are worth keeping into the corpus of the repository. */
  readonly keep: boolean;
  readonly isLong: boolean;
  /** The file that the run is added to. */
  readonly report: string | undefined;
}

export const USAGE = `bun run fuzz [parse|names|rules|offload|poll|translate|all]
             [--seconds N] [--executions N] [--seed S] [--keep] [--long] [--report FILE]

  parse     the parser alone, held against the plain codec
  names     the recognisers of TLS, HTTP, QUIC and DNS, held against the plain codec
  rules     rule tables at the memory's end, held against the plain matcher
  offload   merging and cutting of super-packets, held against the plain codec
  translate flows that are translated to a listener: any packets, a full table, answers of the host
  poll      whole scenarios: rules, flows, held messages, questions, time
  --keep    add what reached something new to test/fuzz/corpus
  --long    a hundred million executions (or --executions) over the targets together; adds to docs/fuzz-runs.md
  --report  add the figures to the table in this file
`;

/** How a long run is divided: the parser is what meets every packet first, and the cheapest to run. */
export const LONG_SHARES: Readonly<Record<TargetName, number>> = {
  parse: 0.62,
  names: 0.2,
  offload: 0.08,
  rules: 0.06,
  poll: 0.03,
  translate: 0.01,
};

const SECONDS_DEFAULT = 30;
const LONG_EXECUTIONS = 100_000_000;
const LONG_REPORT = join("docs", "fuzz-runs.md");

/** @throws RangeError for words that it does not know */
export function readArguments(words: readonly string[]): FuzzArguments {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      seconds: { type: "string" },
      executions: { type: "string" },
      seed: { type: "string", default: "1" },
      keep: { type: "boolean", default: false },
      long: { type: "boolean", default: false },
      report: { type: "string" },
    },
  });
  const { executions, seconds, long, report } = values;
  const isBounded = executions !== undefined || long;
  return {
    targets: targetsOf(positionals),
    seconds: numberOf("--seconds", seconds, isBounded ? Infinity : SECONDS_DEFAULT),
    executions: numberOf("--executions", executions, long ? LONG_EXECUTIONS : Infinity),
    seed: numberOf("--seed", values.seed, 1),
    keep: values.keep,
    isLong: long,
    report: report ?? (long ? LONG_REPORT : undefined),
  };
}

function targetsOf(names: readonly string[]): readonly TargetName[] {
  if (names.length === 0 || names.includes("all")) return TARGET_NAMES;
  const unknown = names.find((name) => !(TARGET_NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new RangeError(`target: expected ${TARGET_NAMES.join(", ")} or all, found ${unknown}`);
  }
  return TARGET_NAMES.filter((name) => names.includes(name));
}

/**
 * The number behind an option of a command that runs for long.
 * @throws RangeError where it is no whole number from 1: a run of no length would look as if all were well
 */
export function numberOf(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${option}: expected 1 or more, found ${text}`);
  return value;
}
