// What a captured packet was, in the words of the strategy book.
import {
  decodePacket,
  parseAddress,
  pseudoHeaderSum,
  readClientHello,
  tcpOptionsOf,
  verifyChecksums,
  type DecodedPacket,
} from "@bunnel/wire";

/** A packet with data from the client, as a box between client and server sees it. */
export interface Segment {
  /** What it holds: "octets 1–130", "fragment from octet 24". */
  readonly what: string;
  /** The host name that can be read in this packet alone. */
  readonly name?: string;
  /** Why the server discards it; none: it takes it. */
  readonly fooling?: string;
  /** Whether it reached the server's link. */
  readonly arrives: boolean;
}

const TCP = 6;
/** Where the checksum lies in a TCP header. */
const CHECKSUM = 16;
const FLAG_SYN = 0x02;
const FLAG_ACK = 0x10;
/** A hop limit this low does not come from an operating system on the same link. */
const LOW_HOP_LIMIT = 32;

/**
 * The packets by which the client of one connection said its first message, in the order in which they passed `seen`,
 * which lies near the client; `arrived` lies near the server. Both hold whole IP packets.
 */
export function describeSegments(seen: readonly Uint8Array[], arrived: readonly Uint8Array[]): Segment[] {
  const first = seen.map(decodePacket).find(({ tcpFlags }) => (tcpFlags & FLAG_SYN) !== 0);
  if (first === undefined) throw new Error("capture: expected the SYN of a connection, found none");
  const start = { seq: (first.seq + 1) >>> 0, stamp: timestampOf(seen.find(isSyn)) };
  const left = arrived.map(keyOf);
  return untilAnswer(seen, first).map((octets) => {
    const place = left.indexOf(keyOf(octets));
    if (place >= 0) left.splice(place, 1);
    return describe(octets, start, place >= 0);
  });
}

/** The client's packets with data, up to the server's first. */
function untilAnswer(seen: readonly Uint8Array[], first: DecodedPacket): Uint8Array[] {
  const answered = seen.findIndex((octets) => isAnswer(decodePacket(octets), first));
  const before = answered < 0 ? seen : seen.slice(0, answered);
  return before.filter((octets) => isOutbound(octets, first) && isMessage(octets));
}

function isAnswer({ source, sourcePort, payloadBytes }: DecodedPacket, first: DecodedPacket): boolean {
  return source === first.destination && sourcePort === first.destinationPort && payloadBytes > 0;
}

interface Start {
  /** Sequence number of the stream's first octet. */
  readonly seq: number;
  readonly stamp: number | undefined;
}

function describe(octets: Uint8Array, start: Start, arrives: boolean): Segment {
  const packet = decodePacket(octets);
  const name = nameIn(packet.payload);
  const fooling = foolingOf(octets, packet, start);
  return {
    what: rangeOf(packet, start.seq),
    ...(name !== undefined && { name }),
    ...(fooling !== undefined && { fooling }),
    arrives,
  };
}

function rangeOf(packet: DecodedPacket, startSeq: number): string {
  if (packet.fragment) return `IP fragment from octet ${8 * packet.fragmentOffset}`;
  const from = (packet.seq - startSeq) | 0;
  return `octets ${from}–${from + packet.payloadBytes - 1}`;
}

function foolingOf(octets: Uint8Array, packet: DecodedPacket, start: Start): string | undefined {
  if (packet.hopLimit < LOW_HOP_LIMIT) return `hop limit ${packet.hopLimit}: ends on the way`;
  if (packet.fragment) return undefined;
  if (verifyChecksums(octets).transport === false && !isLeftToHardware(octets, packet)) {
    return "wrong checksum: the server drops it";
  }
  if ((packet.tcpFlags & FLAG_ACK) === 0) return "no ACK flag: the server drops it";
  if (tcpOptionsOf(octets).some(({ kind }) => kind === "md5")) return "MD5 signature: the server drops it";
  const stamp = timestampOf(octets);
  if (stamp !== undefined && start.stamp !== undefined && ((stamp - start.stamp) | 0) < 0) {
    return "old time stamp: the server drops it";
  }
  return undefined;
}

/** Inside one machine a sender leaves the checksum to hardware that is not there; the pseudo-header's sum stands. */
function isLeftToHardware(octets: Uint8Array, { source, destination, l4Offset, totalBytes }: DecodedPacket): boolean {
  const sum = pseudoHeaderSum(parseAddress(source), parseAddress(destination), TCP, totalBytes - l4Offset);
  return new DataView(octets.buffer, octets.byteOffset).getUint16(l4Offset + CHECKSUM) === sum;
}

/** The name in the packet's own octets: whole as a ClientHello says it, or the letters of it that are there. */
function nameIn(payload: Uint8Array): string | undefined {
  const hello = readClientHello(payload, "joined");
  if (hello?.serverName !== undefined) return hello.serverName;
  return /[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org)/u.exec(new TextDecoder("latin1").decode(payload))?.[0];
}

function timestampOf(octets: Uint8Array | undefined): number | undefined {
  if (octets === undefined) return undefined;
  const option = tcpOptionsOf(octets).find(({ kind }) => kind === "timestamps");
  return option?.kind === "timestamps" ? option.value : undefined;
}

function isSyn(octets: Uint8Array): boolean {
  return (decodePacket(octets).tcpFlags & FLAG_SYN) !== 0;
}

function isOutbound(octets: Uint8Array, first: DecodedPacket): boolean {
  const { source, protocol, sourcePort, fragment } = decodePacket(octets);
  return source === first.source && protocol === TCP && (fragment || sourcePort === first.sourcePort);
}

function isMessage(octets: Uint8Array): boolean {
  const { payloadBytes, tcpFlags, fragment } = decodePacket(octets);
  return fragment || (payloadBytes > 0 && (tcpFlags & FLAG_SYN) === 0);
}

/** The same on both links: routers change the hop limit and the header's checksum alone. */
function keyOf(octets: Uint8Array): string {
  const { l4Offset, id, fragmentOffset } = decodePacket(octets);
  return `${id} ${fragmentOffset} ${Buffer.from(octets.subarray(l4Offset)).toString("latin1")}`;
}
