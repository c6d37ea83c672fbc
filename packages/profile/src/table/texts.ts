// The text at the end of a rule table.

/** The names behind the host places, each once and each at a multiple of four. */
export class Texts {
  private readonly offsets = new Map<string, number>();

  constructor(public end: number) {}

  add(name: string): void {
    if (this.offsets.has(name)) return;
    this.offsets.set(name, this.end);
    this.end += Math.ceil(name.length / 4) * 4;
  }

  /** Where an added name stands. */
  at(name: string): number {
    return this.offsets.get(name) ?? 0;
  }

  write(table: Uint8Array): void {
    const encoder = new TextEncoder();
    for (const [name, offset] of this.offsets) encoder.encodeInto(name, table.subarray(offset));
  }
}
