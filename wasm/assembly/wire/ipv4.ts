// The IPv4 header (RFC 791 section 3.1).
import { be16, setBe16, swapHalves } from "./be";
import { checksumAfter, checksumOf, fold32 } from "./checksum";

const TOS: usize = 1;
const TOTAL_LENGTH: usize = 2;
const ID: usize = 4;
const FRAGMENT: usize = 6;
const TTL: usize = 8;
const PROTOCOL: usize = 9;
const CHECKSUM: usize = 10;
const SOURCE: usize = 12;
const DESTINATION: usize = 16;
export const IPV4_HEADER_BYTES: i32 = 20;
export const IPV4_MORE_FRAGMENTS: u32 = 0x2000;
export const IPV4_FRAGMENT_OFFSET: u32 = 0x1fff;
/** Both of them, as they lie in memory. */
const FRAGMENT_FIELDS: u32 = 0xff3f;

/** An IPv4 header seen in place. Trust a getter only after `fits` said yes. */
@unmanaged
export class Ipv4 {
  static at(ptr: usize): Ipv4 {
    return changetype<Ipv4>(ptr);
  }
  get ptr(): usize {
    return changetype<usize>(this);
  }
  get headerBytes(): i32 {
    return (load<u8>(this.ptr) & 15) << 2;
  }
  get totalBytes(): i32 {
    return be16(this.ptr, TOTAL_LENGTH);
  }
  get id(): u32 {
    return be16(this.ptr, ID);
  }
  /** Flags and fragment offset, as one number. */
  get fragment(): u32 {
    return be16(this.ptr, FRAGMENT);
  }
  /** Whether the packet is a part of one, the first or a later one. */
  get isFragment(): bool {
    return (load<u16>(this.ptr + FRAGMENT) & FRAGMENT_FIELDS) != 0;
  }
  get ttl(): u32 {
    return load<u8>(this.ptr + TTL);
  }
  get protocol(): u32 {
    return load<u8>(this.ptr + PROTOCOL);
  }
  /** As it lies in memory. */
  get source(): u32 {
    return load<u32>(this.ptr + SOURCE);
  }
  get destination(): u32 {
    return load<u32>(this.ptr + DESTINATION);
  }

  /** Once true, the header and all that the total length names lie within `available`. */
  fits(available: i32): bool {
    if (available < IPV4_HEADER_BYTES) return false;
    const header = this.headerBytes;
    const total = this.totalBytes;
    return header >= IPV4_HEADER_BYTES && header <= total && total <= available;
  }

  /** Type of service, with the checksum mended. */
  setTos(value: u32): void {
    const old: u32 = load<u16>(this.ptr);
    store<u8>(this.ptr + TOS, <u8>value);
    this.mend(old, load<u16>(this.ptr));
  }

  /** Flags and fragment offset, with the checksum mended. */
  setFragment(value: u32): void {
    const old: u32 = load<u16>(this.ptr + FRAGMENT);
    setBe16(this.ptr, FRAGMENT, value);
    this.mend(old, load<u16>(this.ptr + FRAGMENT));
  }

  private mend(old: u32, word: u32): void {
    store<u16>(this.ptr + CHECKSUM, <u16>checksumAfter(load<u16>(this.ptr + CHECKSUM), old, word));
  }

  /** Sets total length, identification and time to live, and the header checksum. */
  setLengthIdTtl(totalBytes: i32, id: u32, ttl: u32): void {
    const p = this.ptr;
    setBe16(p, TOTAL_LENGTH, totalBytes);
    setBe16(p, ID, id);
    store<u8>(p + TTL, <u8>ttl);
    store<u16>(p + CHECKSUM, 0);
    store<u16>(p + CHECKSUM, <u16>checksumOf(p, this.headerBytes));
  }

  /** Sum of what `setFields` leaves as it is. */
  restSum(): u64 {
    const p = this.ptr;
    const end = p + <usize>this.headerBytes;
    let sum = <u64>load<u16>(p) + load<u16>(p + FRAGMENT) + (this.protocol << 8) + this.source + this.destination;
    for (let at = p + IPV4_HEADER_BYTES; at < end; at += 4) sum += load<u32>(at);
    return sum;
  }

  /** As `setLengthIdTtl`, where the sum of the other fields is known: `rest`, folded. */
  setFields(totalBytes: i32, id: u32, ttl: u32, rest: u32): void {
    const p = this.ptr;
    // The identification stands behind the length.
    const lengthAndId = swapHalves((id << 16) | (<u32>totalBytes & 0xffff));
    store<u32>(p + TOTAL_LENGTH, lengthAndId);
    store<u8>(p + TTL, <u8>ttl);
    store<u16>(p + CHECKSUM, <u16>~fold32(rest + (lengthAndId & 0xffff) + (lengthAndId >>> 16) + (ttl & 0xff)));
  }

  /** Sum of the pseudo header (RFC 9293 section 3.1) for so many octets of transport header and payload. */
  pseudoSum(protocol: u32, l4Bytes: i32): u64 {
    return <u64>this.source + <u64>this.destination + <u64>(protocol << 8) + <u64>rotl<u16>(<u16>l4Bytes, 8);
  }
}
