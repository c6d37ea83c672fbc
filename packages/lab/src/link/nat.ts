// The router at the client's home: it translates the client's address and, as Linux' connection tracking does
// (nf_conntrack_proto_tcp.c), knows which packets are part of no connection that makes sense.
//
//   "lenient": translates everything that goes to a server
//   "strict":  throws away what is invalid, as a rule INVALID → DROP does; fragments are put together first
//
// Measured on Linux 6.18 with default settings for the packets that foolings make: a wrong checksum, data without ACK,
// SYN or no flags at all in the middle of a connection and a number half the circle away are INVALID; a low hop limit,
// an MD5 option, an old timestamp, a number 10 000 before the window and a payload on the SYN pass. Acknowledgements of
// what was never sent are INVALID by the same code, which was not measured.
import { fragmentsOf, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "@bunnel/wire";
import { ipChecksumHolds } from "../ip/checksum.ts";
import { Datagrams } from "../ip/datagrams.ts";
import { has, readSegment, sequenceBytes } from "../tcp/segment.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import { sequenceAfter, sequenceDistance } from "../tcp/sequence.ts";
import { movedAddress } from "./nat-address.ts";

export type NatKind = "none" | "lenient" | "strict";

/** How far before the window a segment may lie: Linux' MAXACKWINDOW, 66 000 octets. */
const BEFORE_WINDOW_BYTES = 66_000;
/** The largest packet of the client's link: what was put together is cut again to it. */
const MTU_BYTES = 1500;

/** The connection as the router knows it: one at a time is all that a simulated path carries. */
interface Tracked {
  readonly key: string;
  /** The next octet of each side, and the window of the server. */
  clientNext: number;
  serverNext: number | undefined;
  serverWindow: number;
}

export class Nat {
  readonly #kind: NatKind;
  readonly #datagrams = new Datagrams();
  #tracked: Tracked | undefined;

  constructor(kind: NatKind) {
    this.#kind = kind;
  }

  /** What becomes of a packet of the client: the packets that go on, translated; none: it was thrown away. */
  outbound(packet: Uint8Array, nowMs: number): readonly Uint8Array[] {
    if (this.#kind === "none") return [packet];
    if (this.#kind === "lenient") return [movedAddress(packet, "outbound")];
    const whole = this.#datagrams.take(packet, nowMs);
    if (whole === undefined) return [];
    const segment = readSegment(whole);
    if (segment !== undefined && !this.#accepts(segment, whole)) return [];
    if (segment === undefined && isUnreadableTcp(whole)) return [];
    const moved = movedAddress(whole, "outbound");
    return whole === packet ? [moved] : cutAgain(moved);
  }

  /** A packet for the client, translated back. */
  inbound(packet: Uint8Array): Uint8Array {
    if (this.#kind === "none") return packet;
    if (this.#kind === "strict") this.#hear(packet);
    return movedAddress(packet, "inbound");
  }

  #accepts(segment: TcpSegment, packet: Uint8Array): boolean {
    if (!ipChecksumHolds(packet) || !segment.checksumHolds || !hasSensibleFlags(segment)) return false;
    // A client does not answer its own SYN: no state of the kernel's table takes that.
    if (has(segment, TCP_SYN | TCP_ACK)) return false;
    const end = sequenceAfter(segment.seq, sequenceBytes(segment));
    const opens = has(segment, TCP_SYN);
    const known = this.#tracked;
    if (known === undefined || known.key !== segment.key) {
      if (!opens) return false;
      this.#tracked = { key: segment.key, clientNext: end, serverNext: undefined, serverWindow: 0 };
      return true;
    }
    if (opens) return known.serverNext === undefined;
    if (known.serverNext === undefined) return false;
    const from = sequenceDistance(known.clientNext, segment.seq);
    if (from > known.serverWindow || from < -BEFORE_WINDOW_BYTES) return false;
    // A reset is taken at any place of the window; its acknowledgement is not looked at.
    if (has(segment, TCP_RST)) return true;
    const acknowledged = sequenceDistance(known.serverNext, segment.ack);
    if (acknowledged > 0 || acknowledged < -BEFORE_WINDOW_BYTES) return false;
    if (sequenceDistance(known.clientNext, end) > 0) known.clientNext = end;
    return true;
  }

  #hear(packet: Uint8Array): void {
    const segment = readSegment(packet);
    if (segment === undefined || this.#tracked === undefined) return;
    const next = sequenceAfter(segment.seq, sequenceBytes(segment));
    const known = this.#tracked;
    if (known.serverNext === undefined || sequenceDistance(known.serverNext, next) > 0) known.serverNext = next;
    known.serverWindow = SERVER_WINDOW_BYTES;
  }
}

/** What the endpoint of this package holds open. */
const SERVER_WINDOW_BYTES = 64_240;

/** Combinations that nf_conntrack knows (tcp_valid_flags): SYN, SYN,ACK, FIN,ACK, ACK, RST and RST,ACK. */
function hasSensibleFlags(segment: TcpSegment): boolean {
  const kind = segment.flags & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST);
  return [TCP_SYN, TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK, TCP_ACK, TCP_RST, TCP_RST | TCP_ACK].includes(kind);
}

/** A whole packet that says TCP and has no TCP header that could be. */
function isUnreadableTcp(packet: Uint8Array): boolean {
  return (packet[0] ?? 0) >> 4 === 4 ? packet[9] === 6 : packet[6] === 6;
}

/** The datagram in pieces of the link's size again. */
function cutAgain(packet: Uint8Array): readonly Uint8Array[] {
  if (packet.length <= MTU_BYTES) return [packet];
  return fragmentsOf(packet, [Math.floor((MTU_BYTES - 60) / 8) * 8]);
}
