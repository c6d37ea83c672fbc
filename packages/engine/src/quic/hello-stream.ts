// The octets of a handshake as CRYPTO frames tell them: in any order, some twice, some not yet.

export class HelloStream {
  readonly #octets: Uint8Array;
  /** 1 for each octet that was told. */
  readonly #told: Uint8Array;

  /** What lies at `maxBytes` and behind is not kept. */
  constructor(readonly maxBytes: number) {
    this.#octets = new Uint8Array(maxBytes);
    this.#told = new Uint8Array(maxBytes);
  }

  clear(): void {
    this.#told.fill(0);
  }

  /** Of octets told twice the first count: an endpoint that has read them reads no others. */
  add(offset: number, source: Uint8Array, from: number, bytes: number): void {
    const count = Math.min(bytes, this.maxBytes - offset);
    for (let i = 0; i < count; i++) {
      if (this.#told[offset + i] === 1) continue;
      this.#octets[offset + i] = source[from + i] ?? 0;
      this.#told[offset + i] = 1;
    }
  }

  has(at: number, bytes: number): boolean {
    for (let i = 0; i < bytes; i++) if (this.#told[at + i] !== 1) return false;
    return true;
  }

  /** A number of so many octets, which `has` must have confirmed. */
  number(at: number, bytes: number): number {
    let value = 0;
    for (let i = 0; i < bytes; i++) value = value * 0x100 + (this.#octets[at + i] ?? 0);
    return value;
  }

  /** One character per octet. */
  text(at: number, bytes: number): string {
    return String.fromCharCode(...this.#octets.subarray(at, at + bytes));
  }
}
