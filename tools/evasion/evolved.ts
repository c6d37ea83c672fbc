// What the search finds against each model: `bun tools/evasion/evolved.ts [model…]` searches and writes it down.
import { join } from "node:path";
import { CENSOR_NAMES, type CensorName, evolve, type PruneNote } from "@bunnel/lab";

export type EvolveRouter = "none" | "strict";
export const EVOLVE_ROUTERS: readonly EvolveRouter[] = ["none", "strict"];

export interface Evolved {
  readonly censor: CensorName;
  /** The home router on the way; the strict one takes IP fragments and spoilt packets from the search. */
  readonly router: EvolveRouter;
  readonly seed: number;
  /** The generation in which something passed first; absent: nothing did. */
  readonly passedIn?: number;
  readonly generations: number;
  readonly connections: number;
  /** How long that took on the machine that it was written on. */
  readonly seconds: number;
  readonly strategy?: string;
  /** What it was before it was pruned, where something passed; the best of those that do not, where nothing did. */
  readonly found: string;
  /** What went, and why the rest stays. */
  readonly notes: readonly PruneNote[];
}

const SEED = 1;
const GENERATIONS_MAX = 30;
export const EVOLVED_PATH: string = join(import.meta.dirname, "../../test/model/evolved.json");
/** All models: those that nothing passes show it. */
export const EVOLVE_CENSORS: readonly CensorName[] = CENSOR_NAMES;

/** Searches against one model. But for the seconds, equal calls give equal results. */
export async function evolveOne(censor: CensorName, router: EvolveRouter, workers = 2): Promise<Evolved> {
  const began = performance.now();
  const opponent = { kind: "gallery", name: censor } as const;
  const result = await evolve({ opponent, nat: router, seed: SEED, generations: GENERATIONS_MAX, workers });
  const { passedIn, strategy, generations, connections, found, notes } = result;
  return {
    censor,
    router,
    seed: SEED,
    generations,
    connections,
    seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
    ...(passedIn !== undefined && { passedIn }),
    ...(strategy !== undefined && { strategy }),
    found,
    notes,
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
  for (const router of EVOLVE_ROUTERS) {
    for (const censor of EVOLVE_CENSORS) {
      const isWanted = wanted.length === 0 || wanted.includes(censor);
      const old = known.find((entry) => entry.censor === censor && entry.router === router);
      const entry = isWanted || old === undefined ? await evolveOne(censor, router) : old;
      results.push(entry);
      console.log(`${censor}, router ${router}: ${entry.strategy ?? "nothing passes"} (${entry.seconds} s)`);
    }
  }
  await Bun.write(EVOLVED_PATH, `${JSON.stringify(results, undefined, 2)}\n`);
}
