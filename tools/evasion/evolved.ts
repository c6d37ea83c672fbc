// What the search finds against each model: `bun tools/evasion/evolved.ts [model…]` searches and writes it down.
import { join } from "node:path";
import { CENSOR_NAMES, type CensorName, evolve } from "@bunnel/lab";

export interface Evolved {
  readonly censor: CensorName;
  readonly seed: number;
  /** The generation in which something passed first; absent: nothing did. */
  readonly passedIn?: number;
  readonly generations: number;
  readonly connections: number;
  /** How long that took on the machine that it was written on. */
  readonly seconds: number;
  readonly strategy?: string;
}

const SEED = 1;
const GENERATIONS_MAX = 30;
export const EVOLVED_PATH: string = join(import.meta.dirname, "../../test/model/evolved.json");
/** All models: those that nothing passes show it. */
export const EVOLVE_CENSORS: readonly CensorName[] = CENSOR_NAMES;

/** Searches against one model. But for the seconds, equal calls give equal results. */
export async function evolveOne(censor: CensorName, workers = 2): Promise<Evolved> {
  const began = performance.now();
  const opponent = { kind: "gallery", name: censor } as const;
  const result = await evolve({ opponent, seed: SEED, generations: GENERATIONS_MAX, workers });
  const { passedIn, strategy, generations, connections } = result;
  return {
    censor,
    seed: SEED,
    generations,
    connections,
    seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
    ...(passedIn !== undefined && { passedIn }),
    ...(strategy !== undefined && { strategy }),
  };
}

/** What was written down last. */
export async function readEvolved(): Promise<readonly Evolved[]> {
  return (await Bun.file(EVOLVED_PATH).json()) as readonly Evolved[];
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  const file = Bun.file(EVOLVED_PATH);
  const known = (await file.exists()) ? await readEvolved() : [];
  const results: Evolved[] = [];
  for (const censor of EVOLVE_CENSORS) {
    const isWanted = wanted.length === 0 || wanted.includes(censor);
    const old = known.find((entry) => entry.censor === censor);
    const entry = isWanted || old === undefined ? await evolveOne(censor) : old;
    results.push(entry);
    console.log(`${censor}: ${entry.strategy ?? "nothing passes"} (${entry.seconds} s)`);
  }
  await Bun.write(EVOLVED_PATH, `${JSON.stringify(results, undefined, 2)}\n`);
}
