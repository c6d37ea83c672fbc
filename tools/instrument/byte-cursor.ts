// Numbers of the WebAssembly binary format (WebAssembly Core 2.0, section 5.2.2), read and written.

/** Walks over a module's bytes; every step that would pass the end throws. */
export class ByteCursor {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
  ) {}

  /** @throws RangeError at the end */
  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError(`module: expected a byte at ${this.at - 1}, found the end`);
    return value;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = this.byte();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value >>> 0;
    }
    throw new RangeError(`module: expected a number of at most five bytes at ${this.at - 5}, found a longer one`);
  }

  /** Steps over a LEB128 number of any width and sign. */
  skipNumber(): void {
    while (this.byte() >= 0x80);
  }
}

/** The LEB128 bytes of an unsigned number of at most 32 bits. */
export function unsignedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

/** The LEB128 bytes of a signed number of at most 32 bits. */
export function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}
