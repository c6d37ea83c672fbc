// `bunnel lab evolve`: finds a strategy against a box.
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { CENSOR_NAMES, evolve, type EvolveResult, importCensor, type Opponent } from "@bunnel/lab";
import { shown, suggestion } from "@bunnel/profile";
import { ExitError } from "../service/exit.ts";
import { censorNamed, chooseMessage, chooseRouter, isFile } from "./choose.ts";
import { Progress } from "./progress.ts";

export interface SearchCommandOptions {
  readonly censor: string;
  readonly message: string;
  readonly router: string;
  readonly seed: number;
  readonly population: number;
  readonly generations: number;
  readonly workers?: number;
  readonly json?: boolean;
}

/** Threads that a search takes when nobody says how many. */
const WORKERS_MAX = 8;
/** No strategy was found. */
const NONE_STATUS = 1;

export async function search(options: SearchCommandOptions): Promise<void> {
  const opponent = await opponentOf(options);
  const workers = options.workers ?? Math.min(WORKERS_MAX, availableParallelism());
  const progress = new Progress("generations", options.generations);
  const began = performance.now();
  const searching = evolve({
    opponent,
    nat: chooseRouter(options.router),
    seed: options.seed,
    population: options.population,
    generations: options.generations,
    workers,
    onGeneration: ({ connections, best }) => progress.step(`${connections} connections  best: ${best}`),
  });
  const result = await (opponent.kind === "file" ? told(options.censor, searching) : searching);
  progress.end();
  const seconds = (performance.now() - began) / 1000;
  if (result.strategy === undefined) process.exitCode = NONE_STATUS;
  if (options.json === true) process.stdout.write(`${JSON.stringify({ ...result, seed: options.seed, seconds })}\n`);
  else process.stdout.write(text(options, result, seconds));
}

async function opponentOf({ censor, message }: SearchCommandOptions): Promise<Opponent> {
  if (isFile(censor)) {
    const path = resolve(censor);
    await told(censor, importCensor(path));
    return { kind: "file", path, message: chooseMessage(message) };
  }
  const name = censorNamed(censor);
  if (name !== undefined) return { kind: "gallery", name };
  throw new ExitError(`censor ${shown(censor)}: there is none${suggestion(censor, CENSOR_NAMES)}`, 2);
}

/** What goes wrong with a file of somebody's own is told by its name. */
async function told<Value>(file: string, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`censor ${file} cannot be used: ${why}`, 1, { cause });
  }
}

function text({ censor, seed }: SearchCommandOptions, result: EvolveResult, seconds: number): string {
  const { strategy, found, passedIn, generations, connections, notes } = result;
  const effort = `${generations} generations, ${connections} connections, ${seconds.toFixed(1)} s, seed ${seed}`;
  if (strategy === undefined) return `Nothing passes ${censor} so far (${effort}).\nThe best was: ${found}\n`;
  const lines = [
    strategy,
    "",
    `passes ${censor}; first in generation ${passedIn} (${effort}).`,
    `The search found: ${found}`,
    ...notes.map(({ part, kept, why }) => `  ${kept ? "stays" : "goes "}  ${part}: ${why}`),
  ];
  return `${lines.join("\n")}\n`;
}
