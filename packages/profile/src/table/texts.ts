// The octets at the end of a rule table: names, payloads, patterns.
import { Buffer } from "node:buffer";

/** Each row of octets once, one behind the other. Names are ASCII; any octet is the character of its number. */
export class Texts {
  private readonly offsets = new Map<string, number>();

  constructor(private end: number) {}

  /** Octets of the whole table, a multiple of four. */
  get tableBytes(): number {
    return Math.ceil(this.end / 4) * 4;
  }

  /** Where the row stands, or will stand. */
  add(row: string): number {
    const known = this.offsets.get(row);
    if (known !== undefined) return known;
    const at = this.end;
    this.offsets.set(row, at);
    this.end += row.length;
    return at;
  }

  addOctets(octets: Uint8Array): number {
    return this.add(Buffer.from(octets).toString("latin1"));
  }

  write(table: Uint8Array): void {
    const buffer = Buffer.from(table.buffer, table.byteOffset, table.byteLength);
    for (const [row, offset] of this.offsets) buffer.write(row, offset, "latin1");
  }
}
