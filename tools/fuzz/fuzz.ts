// Coverage-guided search for an input that makes a target fail:
//   1. run the seeds   2. change a known input   3. run it; what reached something new is known from now on
//   4. a failing input is made as small as it can be, and the search goes on
import { EdgeMap } from "./edge-map.ts";
import type { FuzzInput } from "./input.ts";
import { minimise } from "./minimise.ts";
import { mutateInput } from "./mutate-input.ts";
import { Chance } from "./random.ts";
import type { FuzzTarget } from "./target.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly seeds: readonly FuzzInput[];
  /** Ends after so many executions. */
  readonly executions: number;
  /** Or after so many milliseconds. Default: never. */
  readonly limitMs?: number;
  /** Or after so many different failures. Default 8. */
  readonly failuresMax?: number;
}

export interface FuzzFailure {
  readonly message: string;
  readonly input: FuzzInput;
}

export interface FuzzResult {
  readonly executions: number;
  readonly edges: number;
  /** Every input that reached something new, in the order in which they were found. */
  readonly corpus: readonly FuzzInput[];
  readonly failures: readonly FuzzFailure[];
}

const CLOCK_EVERY = 64;
/** Of the executions that reach nothing new, one in so many is held against the dear laws too. */
const CONFIRM_EVERY = 64;
/** What was found last. */
const RECENT = 64;

/** Searches. With a limit of executions only, equal options and an equal target give an equal result. */
export function fuzz(target: FuzzTarget, options: FuzzOptions): FuzzResult {
  const edges = new EdgeMap(target.counters, target.scan);
  const chance = new Chance(options.seed);
  const corpus: FuzzInput[] = [];
  const failures = new Map<string, FuzzInput>();
  const endMs = performance.now() + (options.limitMs ?? Number.POSITIVE_INFINITY);
  const failuresMax = options.failuresMax ?? 8;
  let executions = 0;

  const tryOut = (input: FuzzInput): void => {
    executions++;
    let message = failureOf(() => target.run(input));
    const isNew = edges.take();
    const isDue = isNew || executions % CONFIRM_EVERY === 0;
    if (message === undefined && isDue) message = failureOf(() => target.confirm?.(input));
    if (message !== undefined) {
      if (!failures.has(kindOf(message))) failures.set(kindOf(message), minimise(input, sameFailure(target, message)));
    } else if (isNew) corpus.push(input);
    if (isDue || message !== undefined) edges.clear();
  };

  for (const seed of options.seeds) tryOut(seed);
  const isOver = (): boolean =>
    executions >= options.executions ||
    failures.size >= failuresMax ||
    (executions % CLOCK_EVERY === 0 && performance.now() >= endMs);
  while (!isOver()) {
    const known = corpus.length > 0 ? corpus : options.seeds;
    tryOut(mutateInput(chooseFrom(known, chance), chance, chance.pick(known)));
  }
  const found = [...failures].map(([kind, input]) => ({
    message: runCase(target, input) ?? `${kind} (not by itself: it needs what ran before)`,
    input,
  }));
  return { executions, edges: edges.edges, corpus, failures: found };
}

/** What was found last leads on most often. */
function chooseFrom(corpus: readonly FuzzInput[], chance: Chance): FuzzInput {
  const known = corpus[corpus.length - 1 - chance.below(Math.min(corpus.length, RECENT))];
  return chance.oneIn(3) && known !== undefined ? known : chance.pick(corpus);
}

/** Numbers differ from input to input of one failure. */
function kindOf(message: string): string {
  return message.replaceAll(/\d+/gu, "#");
}

function sameFailure(target: FuzzTarget, message: string): (input: FuzzInput) => boolean {
  return (input) => {
    const found = runCase(target, input);
    return found !== undefined && kindOf(found) === kindOf(message);
  };
}

/** Runs one input; returns how it failed, or undefined. */
export function runCase(target: FuzzTarget, input: FuzzInput): string | undefined {
  return failureOf(() => target.run(input)) ?? failureOf(() => target.confirm?.(input));
}

function failureOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message.split("\n")[0] ?? ""}` : String(error);
  }
}
