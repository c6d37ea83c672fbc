// The TCP header (RFC 9293 section 3.1).
import { be16, be32, setBe16, setBe32, swap16 } from "./be";
import { fold } from "./checksum";

const SOURCE_PORT: usize = 0;
const DESTINATION_PORT: usize = 2;
const SEQ: usize = 4;
const ACK: usize = 8;
const DATA_OFFSET: usize = 12;
const FLAGS: usize = 13;
const WINDOW: usize = 14;
const CHECKSUM: usize = 16;
const URGENT: usize = 18;
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
  get window(): u32 {
    return be16(this.ptr, WINDOW);
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

  /** Sum of what `setFields` leaves as it is: all but sequence number, flags and checksum. */
  restSum(): u64 {
    const p = this.ptr;
    const end = p + <usize>this.headerBytes;
    let sum = <u64>load<u32>(p) + load<u32>(p + ACK) + load<u8>(p + DATA_OFFSET) + load<u16>(p + WINDOW);
    sum += load<u16>(p + URGENT);
    for (let at = p + TCP_HEADER_BYTES; at < end; at += 4) sum += load<u32>(at);
    return sum;
  }

  /** Sets these fields, and the checksum of a segment of `bytes` octets whose other octets have the sum `rest`. */
  setFields(seq: u32, flags: u32, bytes: i32, rest: u64): void {
    const p = this.ptr;
    const seqWord = bswap<u32>(seq);
    store<u32>(p + SEQ, seqWord);
    store<u8>(p + FLAGS, <u8>flags);
    // A word with its octets turned is as much as 256 times the word.
    const sum = rest + seqWord + ((flags & 0xff) << 8) + ((<u32>bytes) << 8);
    store<u16>(p + CHECKSUM, <u16>~fold(sum));
  }

  /** Sets the acknowledgement number; returns what the sum changes by. */
  changeAck(ack: u32): u64 {
    const at = this.ptr + ACK;
    const word = bswap<u32>(ack);
    // A variable of its own: turned as 64 bits, the sum would lose a carry.
    const before: u32 = ~load<u32>(at);
    const sum = <u64>word + <u64>before;
    store<u32>(at, word);
    return sum;
  }

  /** Sets the window; returns what the sum changes by. */
  changeWindow(window: u32): u64 {
    const at = this.ptr + WINDOW;
    const word = swap16(window);
    const sum = <u64>word + <u64>(<u32>load<u16>(at) ^ 0xffff);
    store<u16>(at, <u16>word);
    return sum;
  }

  /** Once true, the header with its options lies within `available`. */
  fits(available: i32): bool {
    if (available < TCP_HEADER_BYTES) return false;
    const header = this.headerBytes;
    return ((header - TCP_HEADER_BYTES) | (available - header)) >= 0;
  }
}
