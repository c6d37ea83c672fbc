// Reading a rule table by names instead of offsets. Trust it only on a table that `checkRules` has accepted.
import * as abi from "@bunnel/abi";

const decoder = new TextDecoder();

/** A rule table seen in place. */
export class TableView {
  readonly data: DataView;

  constructor(readonly octets: Uint8Array) {
    this.data = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  }

  u8(at: number): number {
    return this.data.getUint8(at);
  }

  u16(at: number): number {
    return this.data.getUint16(at, true);
  }

  i16(at: number): number {
    return this.data.getInt16(at, true);
  }

  u32(at: number): number {
    return this.data.getUint32(at, true);
  }

  text(at: number, bytes: number): string {
    // A view of shared memory cannot be decoded in place.
    return decoder.decode(this.octets.slice(at, at + bytes));
  }

  get totalBytes(): number {
    return this.u32(abi.HEADER_TOTAL_BYTES);
  }

  get generation(): number {
    return this.u32(abi.HEADER_GENERATION);
  }

  get ruleCount(): number {
    return this.u32(abi.HEADER_RULE_COUNT);
  }

  get strategyCount(): number {
    return this.u32(abi.HEADER_STRATEGY_COUNT);
  }

  get hostPlaces(): number {
    return this.u32(abi.HEADER_HOSTS_MASK) + 1;
  }

  ruleAt(index: number): number {
    return this.u32(abi.HEADER_RULES_AT) + index * abi.RULE_BYTES;
  }

  strategyAt(index: number): number {
    return this.u32(abi.HEADER_STRATEGIES_AT) + index * abi.STRATEGY_BYTES;
  }

  /** Wraps round at the last place, as probing does. */
  hostPlaceAt(index: number): number {
    return this.u32(abi.HEADER_HOSTS_AT) + (index & (this.hostPlaces - 1)) * abi.HOST_PLACE_BYTES;
  }
}
