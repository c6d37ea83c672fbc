// What a packet that left is to the message that it stands for, read from the octets alone: a piece, a decoy, a decoy's
// damage. The engine says only how many packets leave in a packet's place.
import {
  decodePacket,
  formatTcpFlags,
  PROTOCOL_TCP,
  TCP_ACK,
  TCP_RST,
  TCP_SYN,
  tcpOptionsOf,
  verifyChecksums,
  type DecodedPacket,
} from "@bunnel/wire";

/** What the packet is. */
export type StepKind =
  /** The message, whole and as it was. */
  | "whole"
  /** Some of the message's octets, as they were. */
  | "piece"
  /** A piece with foreign octets before it, that the server has already or gets again. */
  | "overlap"
  /** At its place, as long as it was, with other octets. */
  | "changed"
  /** Something that the server discards. */
  | "decoy"
  /** An RST or SYN,ACK that is none of the client's. */
  | "forged"
  /** An IP fragment. */
  | "fragment";

/** One packet that left for a message. */
export interface SentStep {
  readonly kind: StepKind;
  /** Octets of the message, from its start; below 0: before it. Of a fragment, octets of the IP payload. */
  readonly from: number;
  readonly to: number;
  /** Foreign octets that stand before the piece. */
  readonly overlapBytes: number;
  /** What keeps the server from reading it, and what else is not as it was: "ttl=4", "badsum", "window=1". */
  readonly marks: readonly string[];
  /** Milliseconds that it waits. */
  readonly delayMs: number;
}

/** A message as it came up, whole. */
export interface WholeMessage {
  /** The packet that it began with. */
  readonly packet: Uint8Array;
  /** Its octets, of all its packets. */
  readonly octets: Uint8Array;
}

/** How far from its place a sequence number still means a piece of the stream. */
const WINDOW_MAX = 65_536;

/** What `sent` is to `message`. Never throws. */
export function explainSent(message: WholeMessage, sent: Uint8Array, delayMs = 0): SentStep {
  const before = decodePacket(message.packet);
  const after = decodePacket(sent);
  const step = { overlapBytes: 0, delayMs, marks: marksOf(before, after, message.packet, sent) };
  if (after.fragment) {
    const from = after.fragmentOffset * 8;
    return { ...step, kind: "fragment", from, to: from + after.totalBytes - after.l4Offset };
  }
  const isTcp = before.protocol === PROTOCOL_TCP && after.protocol === PROTOCOL_TCP;
  const from = isTcp ? (after.seq - before.seq) | 0 : 0;
  const placed = { ...step, from, to: from + after.payloadBytes };
  if (isTcp && isForged(before, after)) return { ...placed, kind: "forged" };
  if (message.octets.length === 0 || after.payloadBytes === 0) return { ...placed, kind: "whole" };
  return { ...placed, ...contentOf(message.octets, after, from, placed.marks) };
}

/** An RST or a SYN,ACK that the client did not send. */
function isForged(before: DecodedPacket, after: DecodedPacket): boolean {
  const added = after.tcpFlags & ~before.tcpFlags;
  return (added & TCP_RST) !== 0 || ((before.tcpFlags & TCP_SYN) !== 0 && (added & TCP_ACK) !== 0);
}

type Content = Pick<SentStep, "kind" | "overlapBytes">;

function contentOf(message: Uint8Array, after: DecodedPacket, from: number, marks: readonly string[]): Content {
  const { payload } = after;
  const foreign = foreignBefore(message, payload, from);
  const to = from + payload.length;
  if (foreign === 0 && from >= 0) {
    return { kind: from === 0 && to === message.length ? "whole" : "piece", overlapBytes: 0 };
  }
  // Where datagrams stand alone, what is longer than the message has it at its start.
  if (after.protocol !== PROTOCOL_TCP) {
    const isLonger = payload.length !== message.length && startsAlike(message, payload);
    return { kind: isLonger ? "changed" : "decoy", overlapBytes: 0 };
  }
  if (marks.some((mark) => FOOLINGS.has(nameOf(mark)))) return { kind: "decoy", overlapBytes: 0 };
  // What begins as the message does is the message, changed further on.
  const isOurs = from >= 0 && payload[0] === message[from];
  if (!isOurs && foreign !== undefined && foreign < payload.length) return { kind: "overlap", overlapBytes: foreign };
  if (Math.abs(from) > WINDOW_MAX) return { kind: "decoy", overlapBytes: 0 };
  return { kind: from >= 0 && to <= message.length ? "changed" : "decoy", overlapBytes: 0 };
}

const FOOLINGS: ReadonlySet<string> = new Set(["ttl", "badsum", "badack", "md5sig", "datanoack", "ts", "dataofs"]);

function nameOf(mark: string): string {
  return mark.split("=", 1)[0] ?? mark;
}

function startsAlike(a: Uint8Array, b: Uint8Array): boolean {
  const bytes = Math.min(a.length, b.length);
  return Buffer.compare(a.subarray(0, bytes), b.subarray(0, bytes)) === 0;
}

/** Octets at the payload's start after which it is the message's own to the end; undefined: it nowhere is. */
function foreignBefore(message: Uint8Array, payload: Uint8Array, from: number): number | undefined {
  let same = 0;
  while (same < payload.length) {
    const index = payload.length - 1 - same;
    if (from + index < 0 || payload[index] !== message[from + index]) break;
    same++;
  }
  return same === 0 ? undefined : payload.length - same;
}

function marksOf(before: DecodedPacket, after: DecodedPacket, was: Uint8Array, is: Uint8Array): string[] {
  const marks: string[] = [];
  if (after.hopLimit !== before.hopLimit) marks.push(`ttl=${after.hopLimit}`);
  if (!after.fragment && verifyChecksums(is).transport === false) marks.push("badsum");
  if (before.protocol === PROTOCOL_TCP && after.protocol === PROTOCOL_TCP && !after.fragment)
    marks.push(...tcpMarks(before, after, was, is));
  return marks;
}

function tcpMarks(before: DecodedPacket, after: DecodedPacket, was: Uint8Array, is: Uint8Array): string[] {
  const marks: string[] = [];
  if (((before.tcpFlags & TCP_ACK) !== 0) !== ((after.tcpFlags & TCP_ACK) !== 0)) {
    marks.push((after.tcpFlags & TCP_ACK) === 0 ? "datanoack" : `flags=${formatTcpFlags(after.tcpFlags)}`);
  } else if (before.ack !== after.ack) marks.push("badack");
  const window = windowOf(is, after);
  if (window !== windowOf(was, before)) marks.push(`window=${window}`);
  const [had, has] = [optionsOf(was), optionsOf(is)];
  if (has.md5 && !had.md5) marks.push("md5sig");
  if (has.time !== had.time) marks.push("ts");
  if (has.mss !== had.mss && has.mss !== undefined) marks.push(`mss=${has.mss}`);
  const isLonger = after.payloadOffset - after.l4Offset !== before.payloadOffset - before.l4Offset;
  if (isLonger && has.md5 === had.md5 && has.mss === had.mss) marks.push("dataofs");
  return marks;
}

/** RFC 9293 section 3.1: the window field. */
function windowOf(octets: Uint8Array, { l4Offset }: DecodedPacket): number {
  return ((octets[l4Offset + 14] ?? 0) << 8) | (octets[l4Offset + 15] ?? 0);
}

interface Options {
  readonly md5: boolean;
  readonly time: number | undefined;
  readonly mss: number | undefined;
}

function optionsOf(packet: Uint8Array): Options {
  const options = tcpOptionsOf(packet);
  const time = options.find((option) => option.kind === "timestamps");
  const mss = options.find((option) => option.kind === "mss");
  return { md5: options.some(({ kind }) => kind === "md5"), time: time?.value, mss: mss?.bytes };
}
