// Octets read one after the other, with the variable-length integers of RFC 9000 section 16.

/** No number and no place: the octets ended. */
export const OVER = -1;

/** Past the end every answer is `OVER`, and so are all that follow. */
export class OctetCursor {
  constructor(
    readonly octets: Uint8Array,
    public at: number,
    readonly end: number,
  ) {}

  octet(): number {
    return this.skip(1) === OVER ? OVER : (this.octets[this.at - 1] ?? OVER);
  }

  /** Integers above 2^53 lose their low bits, which no length or offset in a datagram can have. */
  number(): number {
    const first = this.octet();
    if (first === OVER) return OVER;
    let value = first & 0x3f;
    for (let more = (1 << (first >> 6)) - 1; more > 0; more--) {
      const octet = this.octet();
      if (octet === OVER) return OVER;
      value = value * 0x100 + octet;
    }
    return value;
  }

  /** Where the octets stepped over start. Takes `OVER` for a count, and gives it back. */
  skip(bytes: number): number {
    if (bytes === OVER || bytes > this.end - this.at) {
      this.at = this.end;
      return OVER;
    }
    this.at += bytes;
    return this.at - bytes;
  }
}
