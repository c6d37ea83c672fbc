// The UDP header (RFC 768).
import { be16, setBe16, swap16 } from "./be";
import { fold } from "./checksum";

const SOURCE_PORT: usize = 0;
const DESTINATION_PORT: usize = 2;
const LENGTH: usize = 4;
const CHECKSUM: usize = 6;
export const UDP_HEADER_BYTES: i32 = 8;

/** A UDP header seen in place. Trust a getter only after `fits` said yes. */
@unmanaged
export class Udp {
  static at(ptr: usize): Udp {
    return changetype<Udp>(ptr);
  }
  get ptr(): usize {
    return changetype<usize>(this);
  }
  get sourcePort(): u32 {
    return be16(this.ptr, SOURCE_PORT);
  }
  get destinationPort(): u32 {
    return be16(this.ptr, DESTINATION_PORT);
  }
  get length(): i32 {
    return be16(this.ptr, LENGTH);
  }
  set length(value: i32) {
    setBe16(this.ptr, LENGTH, value);
  }
  /** As it lies in memory. */
  set checksum(value: u32) {
    store<u16>(this.ptr + CHECKSUM, <u16>value);
  }

  /** Sum of what `setFields` leaves as it is: the ports. */
  restSum(): u64 {
    return load<u32>(this.ptr);
  }

  /** Sets the length, and the checksum of a datagram whose other octets and pseudo header have the sum `rest`. */
  setFields(bytes: i32, rest: u64): void {
    const word = swap16(bytes);
    store<u16>(this.ptr + LENGTH, <u16>word);
    // The length stands in the pseudo header, too. Zero says that there is no checksum.
    const sum = ~fold(rest + word + word) & 0xffff;
    this.checksum = sum == 0 ? 0xffff : sum;
  }

  /** Once true, no getter reads past `available`. Setting `length` voids it. */
  fits(available: i32): bool {
    return available >= UDP_HEADER_BYTES && ((this.length - UDP_HEADER_BYTES) | (available - this.length)) >= 0;
  }
}
