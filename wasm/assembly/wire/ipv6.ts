// The IPv6 header and its extension headers (RFC 8200 sections 3 and 4).
import { be16, setBe16 } from "./be";
import { fold, sumOf } from "./checksum";

const PAYLOAD_LENGTH: usize = 4;
const NEXT_HEADER: usize = 6;
const HOP_LIMIT: usize = 7;
const SOURCE: usize = 8;
const DESTINATION: usize = 24;
export const IPV6_HEADER_BYTES: i32 = 40;
export const IPV6_FRAGMENT_HEADER: u32 = 44;
export const IPV6_AUTHENTICATION_HEADER: u32 = 51;

/** An IPv6 header seen in place. Trust a getter only after `fits` said yes. */
@unmanaged
export class Ipv6 {
  static at(ptr: usize): Ipv6 {
    return changetype<Ipv6>(ptr);
  }
  get ptr(): usize {
    return changetype<usize>(this);
  }
  get totalBytes(): i32 {
    return <i32>be16(this.ptr, PAYLOAD_LENGTH) + IPV6_HEADER_BYTES;
  }
  get nextHeader(): u32 {
    return load<u8>(this.ptr + NEXT_HEADER);
  }
  get hopLimit(): u32 {
    return load<u8>(this.ptr + HOP_LIMIT);
  }
  /** Where the 16 octets of each address lie. */
  get sourceAt(): usize {
    return this.ptr + SOURCE;
  }
  get destinationAt(): usize {
    return this.ptr + DESTINATION;
  }

  /** Once true, the header and its payload lie within `available`; packets that pass our 16-bit lengths do not fit. */
  fits(available: i32): bool {
    if (available < IPV6_HEADER_BYTES) return false;
    return this.totalBytes <= available;
  }

  setLengthHopLimit(totalBytes: i32, hopLimit: u32): void {
    setBe16(this.ptr, PAYLOAD_LENGTH, totalBytes - IPV6_HEADER_BYTES);
    store<u8>(this.ptr + HOP_LIMIT, <u8>hopLimit);
  }

  setNextHeader(header: u32): void {
    store<u8>(this.ptr + NEXT_HEADER, <u8>header);
  }

  /** Traffic class: the four bits behind the version and the four after them. */
  setTrafficClass(value: u32): void {
    setBe16(this.ptr, 0, (be16(this.ptr, 0) & 0xf00f) | (value << 4));
  }

  /** Sum of the pseudo header (RFC 8200 section 8.1). */
  pseudoSum(protocol: u32, l4Bytes: i32): u64 {
    return <u64>fold(sumOf(this.sourceAt, 32)) + <u64>(protocol << 8) + <u64>rotl<u16>(<u16>l4Bytes, 8);
  }

  /** Link-local scope: a source of fe80::/10 or ::, or a destination of fe80::/10 or ff01::/16, ff02::/16. */
  get isLinkScope(): bool {
    const destination = be16(this.destinationAt, 0);
    if ((destination & 0xffc0) == 0xfe80 || destination == 0xff01 || destination == 0xff02) return true;
    if ((be16(this.sourceAt, 0) & 0xffc0) == 0xfe80) return true;
    return load<u64>(this.sourceAt) == 0 && load<u64>(this.sourceAt + 8) == 0;
  }
}

/** Whether a next-header number is an extension of the common form: next header, length in eights. */
export function isPlainExtension(header: u32): bool {
  return header == 0 || header == 43 || header == 60 || header == 135 || header == 139 || header == 140;
}
