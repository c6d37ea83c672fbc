// A stream of text into lines, with a limit.

/** Collects what arrives and gives whole lines. */
export class Lines {
  #rest = "";

  constructor(readonly max: number) {}

  /** The lines that are whole now. @throws RangeError when one is longer than the limit */
  take(chunk: string): string[] {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > this.max || lines.some((line) => line.length > this.max)) {
      throw new RangeError(`line: expected at most ${this.max} characters, found more`);
    }
    return lines;
  }
}
