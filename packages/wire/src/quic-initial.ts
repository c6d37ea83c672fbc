// Builders of QUIC Initials with a ClientHello inside: RFC 9000 sections 14.1 and 17.2.2, RFC 9001 section 4.
import { checkedField, WireError } from "./errors.ts";
import { concat } from "./octets.ts";
import { quicFrames, quicNumber, type QuicCrypto, type QuicFrame } from "./quic-frame.ts";
import { protectPacket, quicInitialKeys, type QuicSide } from "./quic-keys.ts";
import { DEFAULT_DESTINATION_ID, longHeader, type QuicLongHeader } from "./quic-packet.ts";
import { clientHello, type ClientHelloFields } from "./tls-hello.ts";

const RECORD_HEADER_BYTES = 5;
const TAG_BYTES = 16;
/** Octets of number and payload that header protection needs, so that there is a sample to take. */
const SAMPLED_BYTES = 4;
/** RFC 9000 section 14.1: the least that a datagram with a client's Initial may have. */
export const QUIC_INITIAL_DATAGRAM_BYTES = 1200;
const EXTENSION_TRANSPORT_PARAMETERS = 57;
const PARAMETER_INITIAL_SOURCE_ID = 0x0f;

/** What an Initial is built from (RFC 9000 section 17.2.2). */
export interface QuicInitialFields extends QuicLongHeader {
  /** Where the keys come from, in packets that answer the server and carry its id. Default: `destinationId`. */
  readonly originalDestinationId?: Uint8Array;
  /** Default "client". */
  readonly from?: QuicSide;
  /** Default 0. */
  readonly packetNumber?: number;
  /** 1 to 4. Default: as few as hold the number. Fewer leave its high octets to the reader. */
  readonly packetNumberBytes?: number;
  /** The handshake message, without a record. Default: `quicHello` with `serverName`. */
  readonly hello?: Uint8Array;
  readonly serverName?: string;
  /** Where in the hello one CRYPTO frame ends and the next starts; rising. Default: one frame. */
  readonly cryptoSplit?: readonly number[];
  /** Makes the frames of a packet from its pieces of the hello. Default: the pieces as they are. See `mixedFrames`. */
  readonly arrange?: (pieces: readonly QuicCrypto[]) => readonly QuicFrame[];
  /** The datagram grows to this size by padding inside the packet. Default 1200. */
  readonly padToBytes?: number;
}

/** The handshake message of a hello as QUIC has it (RFC 9001 section 8): no session id, h3, transport parameters. */
export function quicHello(fields: ClientHelloFields = {}, sourceId: Uint8Array = new Uint8Array(0)): Uint8Array {
  const parameters = concat(PARAMETER_INITIAL_SOURCE_ID, quicNumber(sourceId.length), sourceId);
  const extensions = [{ type: EXTENSION_TRANSPORT_PARAMETERS, data: parameters }, ...(fields.extensions ?? [])];
  const hello = clientHello({ sessionId: new Uint8Array(0), alpn: ["h3"], ...fields, extensions });
  return hello.slice(RECORD_HEADER_BYTES);
}

/** The last piece first, PING and PADDING between them: what Chromium does to keep middle boxes from ossifying. */
export function mixedFrames(pieces: readonly QuicCrypto[]): readonly QuicFrame[] {
  return pieces.toReversed().flatMap((piece, index): QuicFrame[] => {
    return [piece, { kind: "ping" }, { kind: "padding", bytes: 1 + (index % 7) }];
  });
}

/**
 * One datagram with one Initial that carries the whole hello, however large that is.
 * @throws WireError E_WIRE_FIELD: a field out of range, or a packet above 16383 octets
 */
export function quicInitial(fields: QuicInitialFields = {}): Uint8Array {
  const [datagram = new Uint8Array(0)] = quicInitials({ ...fields, datagrams: 1 });
  return datagram;
}

/**
 * The hello spread evenly over so many datagrams, each with one Initial; packet numbers rise by one.
 * @throws WireError E_WIRE_FIELD: as `quicInitial`; a split that does not rise or lies outside the hello; more
 * datagrams than octets of the hello
 */
export function quicInitials(fields: QuicInitialFields & { readonly datagrams: number }): Uint8Array[] {
  const hello = fields.hello ?? quicHello(serverNameOf(fields), fields.sourceId);
  const count = checkedField("datagrams", fields.datagrams, Math.max(1, hello.length));
  const splits = fields.cryptoSplit ?? [];
  return Array.from({ length: count }, (_, index) => {
    const start = Math.round((hello.length * index) / count);
    const end = Math.round((hello.length * (index + 1)) / count);
    const pieces = piecesOf(hello, start, end, splits);
    const frames = fields.arrange ? fields.arrange(pieces) : pieces;
    return quicInitialOf({ ...fields, packetNumber: (fields.packetNumber ?? 0) + index }, frames);
  });
}

/** Everything of an Initial but its payload. */
export type QuicInitialShell = Omit<QuicInitialFields, "hello" | "serverName" | "cryptoSplit" | "arrange">;

/**
 * One datagram with one Initial of these frames.
 * @throws WireError E_WIRE_FIELD: a field out of range, or a packet above 16383 octets
 */
export function quicInitialOf(fields: QuicInitialShell, frames: readonly QuicFrame[]): Uint8Array {
  return protectInitial(fields, quicFrames(frames));
}

/** One datagram with one Initial whose payload starts with these octets, be they frames or not. */
export function protectInitial(fields: QuicInitialShell, content: Uint8Array): Uint8Array {
  const packetNumber = checkedField("packet number", fields.packetNumber ?? 0, Number.MAX_SAFE_INTEGER);
  const number = numberOctets(packetNumber, fields.packetNumberBytes);
  const lowBits = number.length - 1;
  const headBytes = longHeader("initial", fields, lowBits, 0).length + number.length;
  const padToBytes = fields.padToBytes ?? QUIC_INITIAL_DATAGRAM_BYTES;
  const bytes = Math.max(content.length, SAMPLED_BYTES - number.length, padToBytes - headBytes - TAG_BYTES);
  const payload = new Uint8Array(bytes);
  payload.set(content);
  const header = longHeader("initial", fields, lowBits, number.length + payload.length + TAG_BYTES);
  const keysFrom = fields.originalDestinationId ?? fields.destinationId ?? DEFAULT_DESTINATION_ID;
  const keys = quicInitialKeys(fields.version ?? 1, keysFrom, fields.from);
  return protectPacket(keys, concat(header, number), number.length, packetNumber, payload);
}

function serverNameOf({ serverName }: QuicInitialFields): ClientHelloFields {
  return serverName === undefined ? {} : { serverName };
}

/** The octets of the hello from `start` to `end`, cut wherever a split lies among them. */
function piecesOf(hello: Uint8Array, start: number, end: number, splits: readonly number[]): QuicCrypto[] {
  for (const [index, split] of splits.entries()) {
    const least = (splits[index - 1] ?? 0) + 1;
    if (Number.isInteger(split) && split >= least && split < hello.length) continue;
    throw new WireError("E_WIRE_FIELD", `split of the hello must be ${least} to ${hello.length - 1}, found ${split}`);
  }
  const bounds = [start, ...splits.filter((split) => split > start && split < end), end];
  return bounds.slice(1).map((bound, index) => {
    const offset = bounds[index] ?? 0;
    return { kind: "crypto", offset, octets: hello.slice(offset, bound) };
  });
}

function numberOctets(packetNumber: number, bytes: number | undefined): Uint8Array {
  const least = packetNumber < 0x100 ? 1 : packetNumber < 0x10000 ? 2 : packetNumber < 0x1000000 ? 3 : 4;
  const count = bytes ?? least;
  if (count < 1) throw new WireError("E_WIRE_FIELD", `octets of the packet number must be 1 to 4, found ${count}`);
  checkedField("octets of the packet number", count, 4);
  return Uint8Array.from({ length: count }, (_, at) => Math.floor(packetNumber / 0x100 ** (count - 1 - at)) % 0x100);
}
