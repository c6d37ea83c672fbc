// The TCP header (RFC 9293 section 3.1).
import { be16, be32, setBe16, setBe32 } from "./be";

const SOURCE_PORT: usize = 0;
const DESTINATION_PORT: usize = 2;
const SEQ: usize = 4;
const ACK: usize = 8;
const DATA_OFFSET: usize = 12;
const FLAGS: usize = 13;
const WINDOW: usize = 14;
const CHECKSUM: usize = 16;
export const TCP_HEADER_BYTES: i32 = 20;
export const TCP_FIN: u32 = 1;
export const TCP_SYN: u32 = 2;
export const TCP_RST: u32 = 4;
export const TCP_PSH: u32 = 8;
export const TCP_ACK: u32 = 16;
export const TCP_URG: u32 = 32;
export const TCP_CWR: u32 = 128;

/** A TCP header seen in place. Trust a getter only after `fits` said yes. */
@unmanaged
export class Tcp {
  static at(ptr: usize): Tcp {
    return changetype<Tcp>(ptr);
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
  get seq(): u32 {
    return be32(this.ptr, SEQ);
  }
  set seq(value: u32) {
    setBe32(this.ptr, SEQ, value);
  }
  get ack(): u32 {
    return be32(this.ptr, ACK);
  }
  set ack(value: u32) {
    setBe32(this.ptr, ACK, value);
  }
  get headerBytes(): i32 {
    return (load<u8>(this.ptr + DATA_OFFSET) >> 4) << 2;
  }
  /** The data offset field, in words of four octets, whatever the header really is. */
  set dataOffset(words: u32) {
    store<u8>(this.ptr + DATA_OFFSET, <u8>((words << 4) | (load<u8>(this.ptr + DATA_OFFSET) & 15)));
  }
  set window(value: u32) {
    setBe16(this.ptr, WINDOW, value);
  }
  get flags(): u32 {
    return load<u8>(this.ptr + FLAGS);
  }
  set flags(value: u32) {
    store<u8>(this.ptr + FLAGS, <u8>value);
  }
  /** As it lies in memory. */
  set checksum(value: u32) {
    store<u16>(this.ptr + CHECKSUM, <u16>value);
  }

  /** Once true, the header with its options lies within `available`. */
  fits(available: i32): bool {
    if (available < TCP_HEADER_BYTES) return false;
    const header = this.headerBytes;
    return ((header - TCP_HEADER_BYTES) | (available - header)) >= 0;
  }
}
