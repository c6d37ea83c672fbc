// A thread that is started before it is needed: it loads its code on another processor while others are at work.

/** The thread of a file, one of which may be started ahead. */
export class SpareThread {
  #spare: Worker | undefined;

  /** @param file the thread's own */
  constructor(readonly file: URL) {}

  /** Starts one ahead. It keeps nothing alive, and one that fails is forgotten. */
  start(): void {
    if (this.#spare !== undefined) return;
    const worker = this.#make();
    worker.unref();
    worker.addEventListener("error", () => {
      if (this.#spare === worker) this.#spare = undefined;
    });
    this.#spare = worker;
  }

  /** The one that was started ahead, or another. */
  take(): Worker {
    const worker = this.#spare ?? this.#make();
    this.#spare = undefined;
    worker.ref();
    return worker;
  }

  #make(): Worker {
    return new Worker(this.file.href);
  }
}
