// A Worker that answers one order at a time.
import type { ConformanceAnswer, ConformanceOrder } from "./thread-worker.ts";

export class Thread {
  readonly #worker = new Worker(new URL("./thread-worker.ts", import.meta.url));
  #answer: ((answer: ConformanceAnswer) => void) | undefined;
  #waiting: (() => void) | undefined;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<ConformanceAnswer>) => {
      if (data.answer === "waiting") this.#waiting?.();
      else this.#answer?.(data);
    };
  }

  obey(order: ConformanceOrder): Promise<ConformanceAnswer> {
    const { promise, resolve } = Promise.withResolvers<ConformanceAnswer>();
    this.#answer = resolve;
    this.#worker.postMessage(order);
    return promise;
  }

  /** Resolves when the thread says that it is about to block. */
  nextWaiting(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = resolve;
    return promise;
  }

  end(): void {
    this.#worker.terminate();
  }
}
