// Evaluations in parallel: the same strategies give the same evaluations, in the same order, whatever the number of
// threads, so that a search does not depend on the machine that it runs on.
//
// Every thread has the whole list and takes the next strategy that nobody took yet by a counter in shared memory. The
// list goes out in portions while the caller still makes the rest of it, so that nobody waits for that. Then the
// calling thread takes its share: it would only wait, and one thread less has to warm up.
import type { NatKind } from "../link/nat.ts";
import { Evaluator } from "./evaluate.ts";
import type { Evaluation, Opponent } from "./evaluate.ts";

export interface EvaluatorPool extends AsyncDisposable {
  /** Evaluates each strategy, the first ones while later ones are not made yet. One call at a time. */
  evaluate(strategies: Iterable<string>): Promise<readonly Evaluation[]>;
}

/** What a worker is told first. */
export interface WorkerStart {
  readonly opponent: Opponent;
  readonly nat: NatKind;
  /** One number: the strategy that is taken next. */
  readonly cursor: SharedArrayBuffer;
}

/** A portion of a list. */
export interface WorkerOrder {
  /** How many strategies stand before it; 0: a new list begins. */
  readonly before: number;
  readonly strategies: readonly string[];
}

/** What a thread did until nothing was left of what it knows of a list, or why it cannot. */
export interface WorkerReport {
  readonly done?: readonly Done[];
  readonly error?: string;
}

/** An evaluation and which strategy of the list it is of. */
export interface Done {
  readonly index: number;
  readonly evaluation: Evaluation;
}

/** Strategies of one portion. */
const PORTION = 16;

/** @param threads that evaluate, this one among them; 0 and 1: this one alone */
export async function openPool(start: Omit<WorkerStart, "cursor">, threads: number): Promise<EvaluatorPool> {
  const cursor = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const others = Array.from({ length: Math.max(0, threads - 1) }, () => new Helper({ ...start, cursor }));
  try {
    return new Pool(await Evaluator.create(start.opponent, start.nat), others, cursor);
  } catch (error) {
    for (const other of others) other.end();
    throw error;
  }
}

/** Evaluates what nobody took yet, until nothing is left of the strategies that are known here. */
export function takeShare(evaluator: Evaluator, strategies: readonly string[], cursor: SharedArrayBuffer): Done[] {
  const next = new Int32Array(cursor);
  const done: Done[] = [];
  for (;;) {
    const index = Atomics.load(next, 0);
    const strategy = strategies[index];
    if (strategy === undefined) return done;
    // Otherwise another thread was faster.
    if (Atomics.compareExchange(next, 0, index, index + 1) === index) {
      done.push({ index, evaluation: evaluator.evaluate(strategy) });
    }
  }
}

class Pool implements EvaluatorPool {
  constructor(
    private readonly own: Evaluator,
    private readonly others: readonly Helper[],
    private readonly cursor: SharedArrayBuffer,
  ) {}

  async evaluate(strategies: Iterable<string>): Promise<readonly Evaluation[]> {
    Atomics.store(new Int32Array(this.cursor), 0, 0);
    const all: string[] = [];
    const theirs: Promise<readonly Done[]>[] = [];
    let told = 0;
    const tell = () => {
      const order: WorkerOrder = { before: told, strategies: all.slice(told) };
      told = all.length;
      for (const other of this.others) {
        const done = other.work(order);
        // A failure is told below; it must not count as one that nobody looks after while this thread works.
        done.catch(() => undefined);
        theirs.push(done);
      }
    };
    for (const strategy of strategies) {
      all.push(strategy);
      if (all.length - told === PORTION) tell();
    }
    if (told < all.length) tell();
    const evaluations: Evaluation[] = [];
    const own = takeShare(this.own, all, this.cursor);
    for (const { index, evaluation } of [own, ...(await Promise.all(theirs))].flat()) evaluations[index] = evaluation;
    return evaluations;
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const other of this.others) other.end();
    return Promise.resolve();
  }
}

/** Another thread. */
class Helper {
  readonly #worker: Worker;
  /** For its reports, which come in the order of the orders. */
  readonly #waiting: { resolve(done: readonly Done[]): void; reject(error: Error): void }[] = [];
  #failure: Error | undefined;

  constructor(start: WorkerStart) {
    this.#worker = new Worker(new URL("./evolve.worker.ts", import.meta.url).href);
    this.#worker.onmessage = ({ data }: MessageEvent<WorkerReport>) => this.#take(data);
    this.#worker.onerror = (event) => this.#take({ error: `worker: ${event.message}` });
    this.#worker.postMessage(start);
  }

  work(order: WorkerOrder): Promise<readonly Done[]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<readonly Done[]>();
    this.#waiting.push({ resolve, reject });
    this.#worker.postMessage(order);
    return promise;
  }

  end(): void {
    this.#worker.terminate();
  }

  #take({ done, error }: WorkerReport): void {
    if (done !== undefined) return this.#waiting.shift()?.resolve(done);
    this.#failure = new Error(error ?? "worker: expected evaluations, found nothing");
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}
