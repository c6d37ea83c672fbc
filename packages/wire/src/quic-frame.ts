// Frames that an Initial packet may carry (RFC 9000 sections 12.4 and 19), and variable-length integers (section 16).
import { checkedField } from "./errors.ts";
import { be16, be32, concat, latin1Of, octetAt, octetsOf, setBe32, word } from "./octets.ts";

const TYPE_PADDING = 0x00;
const TYPE_PING = 0x01;
const TYPE_ACK = 0x02;
const TYPE_ACK_ECN = 0x03;
const TYPE_CRYPTO = 0x06;
const TYPE_CLOSE = 0x1c;

/** A frame that an Initial may carry (RFC 9000 section 12.4). */
export type QuicFrame =
  | { readonly kind: "padding"; readonly bytes: number }
  | { readonly kind: "ping" }
  | QuicAck
  | QuicCrypto
  | { readonly kind: "close"; readonly error: number; readonly frameType: number; readonly reason: string };

/** A piece of the TLS handshake: `octets` stand at `offset` of the stream of the side that sends them. */
export interface QuicCrypto {
  readonly kind: "crypto";
  readonly offset: number;
  readonly octets: Uint8Array;
}

/** An ACK frame (RFC 9000 section 19.3). */
export interface QuicAck {
  readonly kind: "ack";
  readonly largest: number;
  readonly delay: number;
  /** Packets before the largest that are acknowledged without a gap. */
  readonly first: number;
  /** Pairs of gap and length, as they are on the wire. */
  readonly ranges: readonly (readonly [gap: number, length: number])[];
  /** Counts of ECT(0), ECT(1) and CE. */
  readonly ecn?: readonly [number, number, number];
}

/** The shortest form. @throws WireError E_WIRE_FIELD: not a whole number of 0 to 2^53 - 1 */
export function quicNumber(value: number): Uint8Array {
  checkedField("QUIC integer", value, Number.MAX_SAFE_INTEGER);
  if (value < 0x40) return Uint8Array.of(value);
  if (value < 0x4000) return word(0x4000 | value);
  const octets = new Uint8Array(value < 0x40000000 ? 4 : 8);
  setBe32(octets, octets.length - 4, value % 2 ** 32);
  setBe32(
    octets,
    0,
    octets.length === 4 ? (0x80000000 | value) >>> 0 : (0xc0000000 | Math.floor(value / 2 ** 32)) >>> 0,
  );
  return octets;
}

/** The octets of frames, one behind the other. */
export function quicFrames(frames: readonly QuicFrame[]): Uint8Array {
  return concat(...frames.map(frameOctets));
}

function frameOctets(frame: QuicFrame): Uint8Array {
  switch (frame.kind) {
    case "padding":
      return new Uint8Array(checkedField("octets of padding", frame.bytes, 0xffff));
    case "ping":
      return Uint8Array.of(TYPE_PING);
    case "crypto":
      return concat(TYPE_CRYPTO, quicNumber(frame.offset), quicNumber(frame.octets.length), frame.octets);
    case "ack": {
      const { largest, delay, first, ranges, ecn } = frame;
      const numbers = [largest, delay, ranges.length, first, ...ranges.flat(), ...(ecn ?? [])];
      return concat(ecn ? TYPE_ACK_ECN : TYPE_ACK, ...numbers.map(quicNumber));
    }
    case "close": {
      const reason = octetsOf(frame.reason);
      const numbers = [frame.error, frame.frameType, reason.length];
      return concat(TYPE_CLOSE, ...numbers.map(quicNumber), reason);
    }
  }
}

/** Octets that are read one after the other. Past their end every answer is undefined, and so are all that follow. */
export class QuicCursor {
  constructor(
    readonly octets: Uint8Array,
    public at = 0,
  ) {}

  get left(): number {
    return this.octets.length - this.at;
  }

  octet(): number | undefined {
    return this.take(1)?.[0];
  }

  number(): number | undefined {
    if (this.left < 1) return this.#over();
    const bytes = 1 << (octetAt(this.octets, this.at) >> 6);
    const octets = this.take(bytes);
    if (!octets) return undefined;
    const first = octetAt(octets, 0) & 0x3f;
    if (bytes === 1) return first;
    if (bytes === 2) return be16(octets, 0) & 0x3fff;
    if (bytes === 4) return be32(octets, 0) & 0x3fffffff;
    return (be32(octets, 0) & 0x3fffffff) * 2 ** 32 + be32(octets, 4);
  }

  take(bytes: number | undefined): Uint8Array | undefined {
    if (bytes === undefined || bytes > this.left) return this.#over();
    this.at += bytes;
    return this.octets.slice(this.at - bytes, this.at);
  }

  #over(): undefined {
    this.at = this.octets.length;
    return undefined;
  }
}

/** The frames before the first that cannot be read or may not stand in an Initial, and how many octets they take. */
export function readQuicFrames(payload: Uint8Array): { readonly frames: readonly QuicFrame[]; readonly bytes: number } {
  const frames: QuicFrame[] = [];
  const cursor = new QuicCursor(payload);
  let bytes = 0;
  while (cursor.left > 0) {
    const frame = readFrame(cursor);
    if (!frame) break;
    bytes = cursor.at;
    const last = frames.at(-1);
    if (frame.kind === "padding" && last?.kind === "padding") {
      frames[frames.length - 1] = { kind: "padding", bytes: last.bytes + 1 };
    } else {
      frames.push(frame);
    }
  }
  return { frames, bytes };
}

function readFrame(cursor: QuicCursor): QuicFrame | undefined {
  // Types of one octet must have the shortest form (section 12.4), so that other forms are unknown types.
  const type = cursor.octet() ?? -1;
  switch (type) {
    case TYPE_PADDING:
      return { kind: "padding", bytes: 1 };
    case TYPE_PING:
      return { kind: "ping" };
    case TYPE_ACK:
    case TYPE_ACK_ECN:
      return readAck(cursor, type === TYPE_ACK_ECN);
    case TYPE_CRYPTO: {
      const offset = cursor.number();
      const octets = cursor.take(cursor.number());
      return offset === undefined || !octets ? undefined : { kind: "crypto", offset, octets };
    }
    case TYPE_CLOSE: {
      const error = cursor.number();
      const frameType = cursor.number();
      const reason = cursor.take(cursor.number());
      if (error === undefined || frameType === undefined || !reason) return undefined;
      return { kind: "close", error, frameType, reason: latin1Of(reason) };
    }
    default:
      return undefined;
  }
}

function readAck(cursor: QuicCursor, hasEcn: boolean): QuicAck | undefined {
  const largest = cursor.number();
  const delay = cursor.number();
  const count = cursor.number();
  const first = cursor.number();
  if (largest === undefined || delay === undefined || count === undefined || first === undefined) return undefined;
  const ranges: (readonly [number, number])[] = [];
  while (ranges.length < count) {
    const gap = cursor.number();
    const length = cursor.number();
    if (gap === undefined || length === undefined) return undefined;
    ranges.push([gap, length]);
  }
  if (!hasEcn) return { kind: "ack", largest, delay, first, ranges };
  const [ect0, ect1, ce] = [cursor.number(), cursor.number(), cursor.number()];
  if (ect0 === undefined || ect1 === undefined || ce === undefined) return undefined;
  return { kind: "ack", largest, delay, first, ranges, ecn: [ect0, ect1, ce] };
}
