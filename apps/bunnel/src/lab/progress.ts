// How far a long command is: one line on the terminal's error output, drawn over itself; elsewhere nothing.

/** The line is drawn anew at most so often. */
const DRAW_MS = 100;

export class Progress {
  readonly #what: string;
  readonly #total: number;
  readonly #isShown = process.stderr.isTTY;
  #done = 0;
  #drawnMs = 0;

  constructor(what: string, total: number) {
    this.#what = what;
    this.#total = total;
  }

  /** One more is done. */
  step(more = ""): void {
    this.#done += 1;
    const now = performance.now();
    if (!this.#isShown || (now - this.#drawnMs < DRAW_MS && this.#done < this.#total)) return;
    this.#drawnMs = now;
    const columns = process.stderr.columns || 80;
    const line = `${this.#done}/${this.#total} ${this.#what}${more === "" ? "" : `  ${more}`}`;
    process.stderr.write(`\r\x1b[2K${line.slice(0, columns - 1)}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isShown) process.stderr.write("\r\x1b[2K");
  }
}
