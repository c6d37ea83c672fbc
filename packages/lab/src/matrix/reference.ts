// The techniques in plain TypeScript, one packet at a time and without a memory: what each is, and what the engine's
// own ones are measured against. They act on a segment that carries the whole host name and pass all others.
import { readClientHello, readHttpRequest, tcpOptions, tcpPacket, verifyChecksums } from "@bunnel/wire";
import type { TcpOption } from "@bunnel/wire";
import type { Transform } from "../link/gateway.ts";
import { readSegment } from "../tcp/segment.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import { sequenceAfter } from "../tcp/sequence.ts";

/** The segment of a message, and where its host name lies in the payload. */
export interface NamedSegment {
  readonly packet: Uint8Array;
  readonly segment: TcpSegment;
  readonly nameAt: number;
  readonly nameBytes: number;
  /** The middle of the name. */
  readonly middle: number;
}

/** What differs from the original segment. */
export interface Change {
  /** Where the payload starts in the original one, octets; may be negative. */
  readonly at?: number;
  readonly payload?: Uint8Array;
  readonly fooling?: Fooling;
  readonly flags?: string | number;
}

/** The damage for which the server discards a segment. */
export interface Fooling {
  readonly hopLimit?: number;
  readonly badSum?: boolean;
  /** Added to the sequence and to the acknowledgement number. */
  readonly seq?: number;
  readonly ack?: number;
  readonly md5?: boolean;
  /** Added to the TSval. */
  readonly timestamp?: number;
  readonly noAck?: boolean;
}

/** Applies `plan` to segments that carry a host name. */
export function onNames(plan: (named: NamedSegment) => readonly Uint8Array[]): Transform {
  return (packet) => {
    const segment = readSegment(packet);
    const name = segment === undefined ? undefined : nameOf(segment.payload);
    if (segment === undefined || name === undefined) return [packet];
    const { nameAt, nameBytes } = name;
    return plan({ packet, segment, nameAt, nameBytes, middle: nameAt + (nameBytes >> 1) });
  };
}

function nameOf(payload: Uint8Array): { readonly nameAt: number; readonly nameBytes: number } | undefined {
  const hello = readClientHello(payload);
  if (hello?.serverName !== undefined) return { nameAt: hello.nameOffset, nameBytes: hello.nameBytes };
  const request = readHttpRequest(payload);
  return request?.host === undefined ? undefined : { nameAt: request.hostOffset, nameBytes: request.hostBytes };
}

/** The segment again with the change made: new lengths and checksums, all else kept. */
export function changed({ packet, segment }: NamedSegment, change: Change): Uint8Array {
  const fooling = change.fooling ?? {};
  const extra: TcpOption[] = fooling.md5 === true ? [{ kind: "md5", digest: new Uint8Array(16).fill(0x5a) }] : [];
  const options = segment.options.map((option) =>
    option.kind === "timestamps" ? { ...option, value: sequenceAfter(option.value, fooling.timestamp ?? 0) } : option,
  );
  const made = tcpPacket({
    source: segment.source,
    destination: segment.destination,
    sourcePort: segment.sourcePort,
    destinationPort: segment.destinationPort,
    hopLimit: fooling.hopLimit ?? segment.hopLimit,
    seq: sequenceAfter(segment.seq, (change.at ?? 0) + (fooling.seq ?? 0)),
    ack: fooling.noAck === true ? 0 : sequenceAfter(segment.ack, fooling.ack ?? 0),
    flags: fooling.noAck === true ? "P" : (change.flags ?? segment.flags),
    options: tcpOptions([...options, ...extra]),
    payload: change.payload ?? segment.payload,
  });
  if (fooling.badSum === true) spoil(made, packet);
  return made;
}

/** Turns the TCP checksum into a wrong one. */
function spoil(made: Uint8Array, original: Uint8Array): void {
  const at = ((original[0] ?? 0) >> 4 === 6 ? 40 : 20) + 16;
  made[at] = (made[at] ?? 0) ^ 0x55;
  if (verifyChecksums(made).transport !== false) throw new Error("checksum must be wrong now, found it right");
}

/** The message in two pieces, cut in the middle of the name. */
export function pieces(named: NamedSegment): readonly [Uint8Array, Uint8Array] {
  return [piece(named, 0, named.middle), piece(named, named.middle, named.segment.payload.length)];
}

function piece(named: NamedSegment, from: number, to: number): Uint8Array {
  return changed(named, { at: from, payload: named.segment.payload.subarray(from, to) });
}

/** The message with an innocent name of the same length in it. */
export function decoyPayload({ segment, nameAt, nameBytes }: NamedSegment): Uint8Array {
  const payload = segment.payload.slice();
  payload.set(new TextEncoder().encode(`${"w".repeat(nameBytes)}.test`.slice(-nameBytes)), nameAt);
  return payload;
}

/** A decoy of the octets `from` to `to`, fooled. */
export function decoy(named: NamedSegment, fooling: Fooling, from = 0, to = named.segment.payload.length): Uint8Array {
  return changed(named, { at: from, payload: decoyPayload(named).subarray(from, to), fooling });
}
