// Which arriving datagrams of QUIC a tap takes, as a program of the kernel's filter. It begins at the IP header.
//
//   UDP from port 443? ── long header, where those are wanted? ──┐
//                      └─ short header, to a port asked for? ────┴─ interface? ── take the beginning
//
// Long headers are those of the handshake (RFC 9000 section 17.2): a few of each connection, however much it brings.
import * as bpf from "./bpf.ts";
import { LOOPBACK_INDEX, OURS, transportStart } from "./transport-start.ts";

// linux/in.h
const IPPROTO_UDP = 17;

// RFC 768
const UDP_DESTINATION_AT = 2;
const UDP_PAYLOAD_AT = 8;

const QUIC_PORT = 443;
const LONG_HEADER = 0x80;

/** The longest IP header without extensions, and what a datagram begins with. */
export const QUIC_SNAP_BYTES = 128;
/** Ports that a filter can name. */
export const QUIC_PORTS_MAX = 64;

/** "handshakes": datagrams with long headers; else those with short ones, to these ports or, with "data", to any. */
export type QuicWanted = "handshakes" | "data" | readonly number[];

/** The program. */
export function quicFilter(wanted: QuicWanted, outgoing: boolean): Uint8Array {
  const isLong = wanted === "handshakes";
  return bpf.assemble([
    ...transportStart(IPPROTO_UDP),
    bpf.loadHalfIndexed(0),
    bpf.ifEquals(QUIC_PORT, undefined, "ignore"),
    bpf.loadByteIndexed(UDP_PAYLOAD_AT),
    isLong ? bpf.ifHasBit(LONG_HEADER, undefined, "ignore") : bpf.ifHasBit(LONG_HEADER, "ignore"),
    ...(typeof wanted === "string" ? [] : portTests(wanted)),
    "wanted",
    ...(outgoing ? OURS : []),
    "arrived",
    bpf.loadInterface,
    bpf.ifEquals(LOOPBACK_INDEX, "ignore"),
    bpf.take(QUIC_SNAP_BYTES),
    "ignore",
    bpf.take(0),
  ]);
}

function portTests(ports: readonly number[]): bpf.Statement[] {
  const tests = ports.slice(0, QUIC_PORTS_MAX).map((port) => bpf.ifEquals(port, "wanted"));
  return [bpf.loadHalfIndexed(UDP_DESTINATION_AT), ...tests, bpf.goOnAt("ignore")];
}
