// The command line of the fuzzer.
import { parseArgs } from "node:util";
import { TARGET_NAMES, type TargetName } from "./targets.ts";

export interface FuzzArguments {
  readonly targets: readonly TargetName[];
  readonly seconds: number;
  readonly executions: number;
  readonly seed: number;
  /** Put the inputs that are worth keeping into the corpus of the repository. */
  readonly keep: boolean;
}

export const USAGE = `bun run fuzz [parse|poll|all] [--seconds N] [--executions N] [--seed S] [--keep]

  parse     the parser alone, held against the plain codec
  poll      whole scenarios: rules, flows, held messages, questions, time
  --keep    add what reached something new to test/fuzz/corpus
`;

const SECONDS_DEFAULT = 30;

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
    },
  });
  const { executions } = values;
  return {
    targets: targetsOf(positionals),
    seconds: numberOf("--seconds", values.seconds, executions === undefined ? SECONDS_DEFAULT : Infinity),
    executions: numberOf("--executions", executions, Infinity),
    seed: numberOf("--seed", values.seed, 1),
    keep: values.keep,
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

function numberOf(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${option}: expected 1 or more, found ${text}`);
  return value;
}
