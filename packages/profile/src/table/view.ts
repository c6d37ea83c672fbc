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

  i8(at: number): number {
    return this.data.getInt8(at);
  }

  i32(at: number): number {
    return this.data.getInt32(at, true);
  }

  /** Four or sixteen octets in network order. */
  address(at: number, octets: 4 | 16): bigint {
    if (octets === 4) return BigInt(this.data.getUint32(at));
    return (this.data.getBigUint64(at) << 64n) | this.data.getBigUint64(at + 8);
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

  get addressSetCount(): number {
    return this.u32(abi.HEADER_ADDRESS_SET_COUNT);
  }

  /** Sets count from 1. */
  addressSetAt(set: number): number {
    return this.u32(abi.HEADER_ADDRESS_SETS_AT) + (set - 1) * abi.ADDRESS_SET_BYTES;
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
