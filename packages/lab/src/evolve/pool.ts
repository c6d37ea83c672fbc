// Evaluations in parallel: the same strategies give the same evaluations, in the same order, whatever the number of
// workers, so that a search does not depend on the machine that it runs on.
import type { NatKind } from "../link/nat.ts";
import { Evaluator } from "./evaluate.ts";
import type { Evaluation, Opponent } from "./evaluate.ts";

export interface EvaluatorPool extends AsyncDisposable {
  /** Evaluates each strategy. */
  evaluate(strategies: readonly string[]): Promise<readonly Evaluation[]>;
}

/** What a worker is told first. */
export interface WorkerStart {
  readonly opponent: Opponent;
  readonly nat: NatKind;
}

export interface WorkerOrder {
  readonly id: number;
  readonly strategies: readonly string[];
}

/** "id" of the order; -1 with an error: the worker could not start. */
export interface WorkerReport {
  readonly id: number;
  readonly evaluations?: readonly Evaluation[];
  readonly error?: string;
}

/** Strategies that a worker gets at a time: enough to make the way worth it, few enough to share the load. */
const CHUNK = 16;

/** @param workers threads; 0: this one */
export async function openPool(start: WorkerStart, workers: number): Promise<EvaluatorPool> {
  if (workers > 0) return new WorkerPool(start, workers);
  const evaluator = await Evaluator.create(start.opponent, start.nat);
  return {
    evaluate: (strategies) => Promise.resolve(strategies.map((strategy) => evaluator.evaluate(strategy))),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface Waiting {
  readonly worker: number;
  resolve(evaluations: readonly Evaluation[]): void;
  reject(error: Error): void;
}

class WorkerPool implements EvaluatorPool {
  readonly #workers: readonly Worker[];
  readonly #free: number[];
  readonly #waiting = new Map<number, Waiting>();
  readonly #queue: (() => void)[] = [];
  #nextId = 0;
  #failure: Error | undefined;

  constructor(start: WorkerStart, count: number) {
    this.#workers = Array.from({ length: count }, () => {
      const worker = new Worker(new URL("./evolve.worker.ts", import.meta.url).href);
      worker.onmessage = ({ data }: MessageEvent<WorkerReport>) => this.#take(data);
      worker.onerror = (event) => this.#fail(new Error(`worker: ${event.message}`));
      worker.postMessage(start);
      return worker;
    });
    this.#free = this.#workers.map((_, index) => index);
  }

  async evaluate(strategies: readonly string[]): Promise<readonly Evaluation[]> {
    const chunks: (readonly string[])[] = [];
    for (let at = 0; at < strategies.length; at += CHUNK) chunks.push(strategies.slice(at, at + CHUNK));
    return (await Promise.all(chunks.map((chunk) => this.#order(chunk)))).flat();
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) worker.terminate();
    return Promise.resolve();
  }

  #order(strategies: readonly string[]): Promise<readonly Evaluation[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Evaluation[]>();
    const begin = () => {
      const worker = this.#free.pop();
      if (this.#failure !== undefined) return reject(this.#failure);
      if (worker === undefined) return void this.#queue.push(begin);
      const id = this.#nextId;
      this.#nextId += 1;
      this.#waiting.set(id, { worker, resolve, reject });
      this.#workers[worker]?.postMessage({ id, strategies } satisfies WorkerOrder);
    };
    begin();
    return promise;
  }

  #take({ id, evaluations, error }: WorkerReport): void {
    const waiting = this.#waiting.get(id);
    if (error !== undefined || waiting === undefined) return this.#fail(new Error(error ?? "worker: unknown order"));
    this.#waiting.delete(id);
    this.#free.push(waiting.worker);
    waiting.resolve(evaluations ?? []);
    this.#queue.shift()?.();
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    for (const begin of this.#queue.splice(0)) begin();
  }
}
