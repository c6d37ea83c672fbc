// The search: from strategies that do nothing to one that passes, by selection, crossing and change. Equal options give
// equal results, whatever the number of workers; only how long it takes differs.
import { galleryEntry, isCensorName } from "../censors/gallery.ts";
import type { Scene } from "../censors/gallery.ts";
import type { NatKind } from "../link/nat.ts";
import { SeededRandom } from "../link/random.ts";
import { EVALUATION_CONNECTIONS, fitnessOf, passes } from "./evaluate.ts";
import type { Evaluation, Opponent } from "./evaluate.ts";
import { crossed, genomeSize, genomeText, mutated } from "./genome.ts";
import type { Genome } from "./genome.ts";
import { openPool } from "./pool.ts";
import type { EvaluatorPool } from "./pool.ts";
import { prune } from "./prune.ts";
import type { PruneNote } from "./prune.ts";

export interface EvolveOptions {
  readonly opponent: Opponent;
  /** Default 1. */
  readonly seed?: number;
  /** Strategies of one generation. Default 200. */
  readonly population?: number;
  /** Generations at most. Default 60. */
  readonly generations?: number;
  /** Generations that may still shorten a strategy once one passes. Default 3. */
  readonly patience?: number;
  /** Threads that evaluate, this one among them; 0 and 1: this one alone. Default 2. */
  readonly workers?: number;
  /** The home router on the way. Default "none". */
  readonly nat?: NatKind;
  readonly onGeneration?: (progress: GenerationReport) => void;
}

export interface GenerationReport {
  /** From 1. */
  readonly generation: number;
  readonly best: string;
  readonly fitness: number;
  readonly passes: boolean;
  /** Connections so far. */
  readonly connections: number;
}

export interface EvolveResult {
  /** The shortest passing strategy; undefined: none was found. */
  readonly strategy: string | undefined;
  /** The best one before it was pruned, or the best of those that do not pass. */
  readonly found: string;
  /** The generation in which a strategy passed first. */
  readonly passedIn: number | undefined;
  readonly generations: number;
  readonly connections: number;
  readonly notes: readonly PruneNote[];
}

const ELITE = 3;
const TOURNAMENT = 4;
const CROSSING = 0.4;
const CHANGE = 0.99;

interface Scored {
  readonly genome: Genome;
  readonly text: string;
  readonly fitness: number;
  readonly passes: boolean;
}

/** The genomes of one generation, their texts, and those of the texts that no generation before had. */
interface Generation {
  readonly genomes: Genome[];
  readonly texts: string[];
  readonly fresh: Set<string>;
}

/** @throws Error when the opponent cannot be opened */
export async function evolve(options: EvolveOptions): Promise<EvolveResult> {
  const { opponent, nat = "none", workers = 2 } = options;
  await using pool = await openPool({ opponent, nat }, workers);
  return await new Search(options, messageOf(opponent), pool).run();
}

function messageOf(opponent: Opponent): Scene["message"] {
  if (opponent.kind === "file") return opponent.message;
  if (!isCensorName(opponent.name)) throw new Error(`censor: expected a model's name, found ${opponent.name}`);
  return galleryEntry(opponent.name).scene.message;
}

class Search {
  readonly #random: SeededRandom;
  readonly #known = new Map<string, Evaluation>();
  #connections = 0;
  #leastSent = 0;

  constructor(
    private readonly options: EvolveOptions,
    private readonly message: Scene["message"],
    private readonly pool: EvaluatorPool,
  ) {
    this.#random = new SeededRandom(options.seed ?? 1);
  }

  async run(): Promise<EvolveResult> {
    const { population = 200, generations = 60, patience = 3 } = this.options;
    let genomes: Iterable<Genome> = Array.from({ length: population }, () => []);
    let best: Scored | undefined;
    let passedIn: number | undefined;
    let generation = 0;
    while (generation < generations && (passedIn === undefined || generation < passedIn + patience)) {
      generation += 1;
      const scored = await this.#score(genomes);
      const [first] = scored;
      if (first !== undefined && (best === undefined || first.fitness > best.fitness)) best = first;
      if (best?.passes === true) passedIn ??= generation;
      if (best !== undefined) this.#tell(generation, best);
      genomes = this.#next(scored, population);
    }
    return this.#finish(best, passedIn, generation);
  }

  async #finish(best: Scored | undefined, passedIn: number | undefined, generations: number): Promise<EvolveResult> {
    const found = best?.text ?? "pass";
    const common = { found, passedIn, generations };
    if (best?.passes !== true) return { ...common, strategy: undefined, connections: this.#connections, notes: [] };
    const pruned = await prune(best.genome, this.message, this.pool);
    const connections = this.#connections + pruned.evaluations * EVALUATION_CONNECTIONS;
    return { ...common, strategy: genomeText(pruned.genome, this.message), connections, notes: pruned.notes };
  }

  #tell(generation: number, best: Scored): void {
    const { text, fitness } = best;
    this.options.onGeneration?.({
      generation,
      best: text,
      fitness,
      passes: best.passes,
      connections: this.#connections,
    });
  }

  /** Best first; of equal ones the one that came first. Strategies are evaluated while the next ones are made. */
  async #score(made: Iterable<Genome>): Promise<readonly Scored[]> {
    const genomes: Genome[] = [];
    const texts: string[] = [];
    const fresh = new Set<string>();
    const evaluations = await this.pool.evaluate(this.#fresh(made, { genomes, texts, fresh }));
    for (const [index, text] of [...fresh].entries()) {
      const evaluation = evaluations[index];
      if (evaluation === undefined) continue;
      this.#known.set(text, evaluation);
      this.#connections += EVALUATION_CONNECTIONS;
      if (text === "pass") this.#leastSent = evaluation.sent;
    }
    return genomes
      .map((genome, index) => this.#scored(genome, texts[index] ?? ""))
      .toSorted((one, other) => other.fitness - one.fitness);
  }

  /** The texts that were never evaluated, once each; all genomes are put down as they are made. */
  *#fresh(made: Iterable<Genome>, { genomes, texts, fresh }: Generation): Generator<string> {
    for (const genome of made) {
      const text = genomeText(genome, this.message);
      genomes.push(genome);
      texts.push(text);
      if (this.#known.has(text) || fresh.has(text)) continue;
      fresh.add(text);
      yield text;
    }
  }

  #scored(genome: Genome, text: string): Scored {
    const evaluation = this.#known.get(text);
    if (evaluation === undefined) return { genome, text, fitness: -Infinity, passes: false };
    const fitness = fitnessOf(evaluation, genomeSize(genome), this.#leastSent);
    return { genome, text, fitness, passes: passes(evaluation) };
  }

  /** The next generation: the best as they are, the others from those that won against some. */
  *#next(scored: readonly Scored[], population: number): Generator<Genome> {
    const kept = scored.slice(0, ELITE);
    for (const { genome } of kept) yield genome;
    for (let made = kept.length; made < population; made += 1) {
      const parent = this.#winner(scored);
      const crossing = this.#random.chance(CROSSING);
      const child = crossing ? crossed(parent, this.#winner(scored), this.message, this.#random) : parent;
      yield this.#random.chance(CHANGE) ? mutated(child, this.message, this.#random) : child;
    }
  }

  /** The list is in order of fitness, so the least index wins. */
  #winner(scored: readonly Scored[]): Genome {
    let least = scored.length - 1;
    for (let turn = 0; turn < TOURNAMENT; turn += 1) least = Math.min(least, this.#random.next() % scored.length);
    return scored[least]?.genome ?? [];
  }
}
