// Which arriving packets a tap takes, as a program of the kernel's filter. It begins at the IP header.
//
//   IPv4: TCP? first fragment? ─┐
//   IPv6: TCP? ─────────────────┴─ SYN with ACK, RST or FIN, or a redirect? ── interface? ── take the beginning
//
// Where forwarded packets are looked at as they leave, those with our own mark are ignored: they are our inventions.
import * as bpf from "./bpf.ts";
import { LOOPBACK_INDEX, OURS, transportStart } from "./transport-start.ts";

const IPPROTO_TCP = 6; // linux/in.h

// RFC 9293 section 3.1
const TCP_DATA_OFFSET_AT = 12;
const TCP_FLAGS_AT = 13;
const TCP_FIN = 0x01;
const TCP_SYN = 0x02;
const TCP_RST = 0x04;
const TCP_ACK = 0x10;

/** RFC 9112 section 4: "HTTP/1.1 302 …". */
const HTTP_PORT = 80;
const HTTP_WORD = 0x48_54_54_50;
const HTTP_STATUS_AT = 9;
const DIGIT_THREE = 0x33;

/** Both headers with all the options they can have, and what a RST says besides. */
export const SNAP_BYTES = 256;
/** A redirect says where to in one of its first lines. */
export const REDIRECT_SNAP_BYTES = 1500;
/** Interfaces that a filter can name. */
export const TAP_INTERFACES_MAX = 64;

export interface InboundFilter {
  /** Where packets arrive; undefined: anywhere but at the loopback device. */
  readonly interfaceIndexes?: readonly number[];
  /** Answers to the start of a connection: SYN with ACK, without RST. */
  readonly synAck: boolean;
  /** Segments with RST. */
  readonly rst: boolean;
  /** What this machine sends is looked at, too. */
  readonly outgoing: boolean;
  /** Segments with FIN. */
  readonly fin?: boolean;
  /** Segments from port 80 that begin an answer of HTTP/1 with a status of 300 to 399. */
  readonly redirects?: boolean;
}

/** The program. TCP behind extension headers of IPv6 is not looked for: no system starts a connection that way. */
export function inboundFilter(filter: InboundFilter): Uint8Array {
  return bpf.assemble([
    ...transportStart(IPPROTO_TCP),
    bpf.loadByteIndexed(TCP_FLAGS_AT),
    ...(filter.fin === true ? [bpf.ifHasBit(TCP_FIN, "wanted")] : []),
    bpf.keepBits(TCP_SYN | TCP_ACK | TCP_RST),
    ...(filter.rst ? [bpf.ifHasBit(TCP_RST, "wanted")] : []),
    ...(filter.synAck ? [bpf.ifEquals(TCP_SYN | TCP_ACK, "wanted")] : []),
    ...(filter.redirects === true ? redirectTests() : [bpf.take(0)]),
    "wanted",
    ...(filter.outgoing ? OURS : []),
    "arrived",
    bpf.loadInterface,
    ...interfaceTests(filter.interfaceIndexes),
    "take",
    bpf.take(filter.redirects === true ? REDIRECT_SNAP_BYTES : SNAP_BYTES),
    "ignore",
    bpf.take(0),
  ]);
}

/** Goes on with what is wanted, and ignores the rest. */
function redirectTests(): bpf.Statement[] {
  return [
    bpf.loadHalfIndexed(0),
    bpf.ifEquals(HTTP_PORT, undefined, "ignore"),
    bpf.loadByteIndexed(TCP_DATA_OFFSET_AT),
    bpf.keepBits(0xf0),
    ...bpf.addToIndex(2),
    bpf.loadWordIndexed(0),
    bpf.ifEquals(HTTP_WORD, undefined, "ignore"),
    bpf.loadByteIndexed(HTTP_STATUS_AT),
    bpf.ifEquals(DIGIT_THREE, "wanted", "ignore"),
  ];
}

function interfaceTests(indexes: readonly number[] | undefined): bpf.Statement[] {
  if (indexes === undefined) return [bpf.ifEquals(LOOPBACK_INDEX, "ignore")];
  return [...indexes.map((index) => bpf.ifEquals(index, "take")), bpf.goOnAt("ignore")];
}
