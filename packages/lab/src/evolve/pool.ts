// Evaluations in parallel: the same strategies give the same evaluations, in the same order, whatever the number of
// threads, so that a search does not depend on the machine that it runs on.
//
// Every thread has the whole list and takes the next strategy that nobody took yet by a counter in shared memory. The
// calling thread takes its share: it would only wait, and one thread less has to warm up.
import type { NatKind } from "../link/nat.ts";
import { Evaluator } from "./evaluate.ts";
import type { Evaluation, Opponent } from "./evaluate.ts";

export interface EvaluatorPool extends AsyncDisposable {
  /** Evaluates each strategy. One call at a time. */
  evaluate(strategies: readonly string[]): Promise<readonly Evaluation[]>;
}

/** What a worker is told first. */
export interface WorkerStart {
  readonly opponent: Opponent;
  readonly nat: NatKind;
  /** One number: the strategy that is taken next. */
  readonly cursor: SharedArrayBuffer;
}

export interface WorkerOrder {
  readonly strategies: readonly string[];
}

/** What a thread did of a list, or why it cannot. */
export interface WorkerReport {
  readonly done?: readonly Done[];
  readonly error?: string;
}

/** An evaluation and which strategy of the list it is of. */
export interface Done {
  readonly index: number;
  readonly evaluation: Evaluation;
}

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

/** Evaluates what nobody took yet, until nothing is left. */
export function takeShare(evaluator: Evaluator, strategies: readonly string[], cursor: SharedArrayBuffer): Done[] {
  const next = new Int32Array(cursor);
  const done: Done[] = [];
  for (;;) {
    const index = Atomics.add(next, 0, 1);
    const strategy = strategies[index];
    if (strategy === undefined) return done;
    done.push({ index, evaluation: evaluator.evaluate(strategy) });
  }
}

class Pool implements EvaluatorPool {
  constructor(
    private readonly own: Evaluator,
    private readonly others: readonly Helper[],
    private readonly cursor: SharedArrayBuffer,
  ) {}

  async evaluate(strategies: readonly string[]): Promise<readonly Evaluation[]> {
    Atomics.store(new Int32Array(this.cursor), 0, 0);
    const theirs = Promise.all(this.others.map((other) => other.work(strategies)));
    // A failure is told below; it must not count as one that nobody looks after while this thread works.
    theirs.catch(() => undefined);
    const own = takeShare(this.own, strategies, this.cursor);
    const done = [own, ...(await theirs)].flat().toSorted((one, other) => one.index - other.index);
    return done.map(({ evaluation }) => evaluation);
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const other of this.others) other.end();
    return Promise.resolve();
  }
}

/** Another thread. */
class Helper {
  readonly #worker: Worker;
  #waiting: { resolve(done: readonly Done[]): void; reject(error: Error): void } | undefined;
  #failure: Error | undefined;

  constructor(start: WorkerStart) {
    this.#worker = new Worker(new URL("./evolve.worker.ts", import.meta.url).href);
    this.#worker.onmessage = ({ data }: MessageEvent<WorkerReport>) => this.#take(data);
    this.#worker.onerror = (event) => this.#take({ error: `worker: ${event.message}` });
    this.#worker.postMessage(start);
  }

  work(strategies: readonly string[]): Promise<readonly Done[]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<readonly Done[]>();
    this.#waiting = { resolve, reject };
    this.#worker.postMessage({ strategies } satisfies WorkerOrder);
    return promise;
  }

  end(): void {
    this.#worker.terminate();
  }

  #take({ done, error }: WorkerReport): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (done !== undefined) return waiting?.resolve(done);
    this.#failure = new Error(error ?? "worker: expected evaluations, found nothing");
    waiting?.reject(this.#failure);
  }
}
