// Readers of what clients send in Initials, plain and without limits of time: the oracle of the engine's host.
import { HOLD_MESSAGE_MAX_BYTES, HOST_MAX_BYTES, QUIC_PACKETS_MAX, TLS_EXTENSIONS_MAX } from "@bunnel/abi";
import { readQuicFrames, type QuicCrypto, type QuicFrame } from "./quic-frame.ts";
import { openPacket, quicInitialKeys, type QuicKeys, type QuicSide, type QuicVersion } from "./quic-keys.ts";
import { readLongPacket, type QuicPacketPlace } from "./quic-packet.ts";

/** An Initial without its protection. */
export interface ReadInitial {
  readonly version: QuicVersion;
  readonly destinationId: Uint8Array;
  readonly sourceId: Uint8Array;
  readonly token: Uint8Array;
  readonly packetNumber: number;
  /** Those before the first that cannot be read. */
  readonly frames: readonly QuicFrame[];
  /** The CRYPTO frames among them. */
  readonly crypto: readonly QuicCrypto[];
  /** Octets of the payload that could not be read as frames. */
  readonly unreadBytes: number;
  /** What lies behind this packet in the datagram: more packets, or padding. */
  readonly rest: Uint8Array;
}

/** What the packet does not tell itself. */
export interface ReadInitialOptions {
  /** Default "client". */
  readonly from?: QuicSide;
  /** Where the keys come from. Default: the packet's destination id, which is right in a client's first Initial. */
  readonly originalDestinationId?: Uint8Array;
  /** The largest packet number seen before. Default: none. */
  readonly largest?: number;
}

/** The first Initial of a datagram that can be opened. Never throws. */
export function readQuicInitial(datagram: Uint8Array, options: ReadInitialOptions = {}): ReadInitial | undefined {
  for (const place of placesOf(datagram)) {
    if (place.kind !== "initial") continue;
    const keys = quicInitialKeys(place.version, options.originalDestinationId ?? place.destinationId, options.from);
    const initial = openInitial(place, keys, options.largest ?? -1);
    if (initial) return initial;
  }
  return undefined;
}

/** The packets with long headers from the datagram's start, of which a receiver takes those to one connection. */
function placesOf(datagram: Uint8Array): QuicPacketPlace[] {
  const places: QuicPacketPlace[] = [];
  // A Buffer's slice is a view; from here on every slice is a copy.
  let rest: Uint8Array = new Uint8Array(datagram);
  while (places.length < QUIC_PACKETS_MAX) {
    const place = readLongPacket(rest);
    // RFC 9000 section 12.2: packets behind the first that are for another connection are ignored.
    if (!place || !same(place.destinationId, (places[0] ?? place).destinationId)) break;
    places.push(place);
    rest = place.rest;
  }
  return places;
}

function openInitial(place: QuicPacketPlace, keys: QuicKeys, largest: number): ReadInitial | undefined {
  const opened = openPacket(keys, place.octets, place.numberAt, largest);
  if (!opened) return undefined;
  const { version, destinationId, sourceId, token, rest } = place;
  const { frames, bytes } = readQuicFrames(opened.payload);
  return {
    version,
    destinationId,
    sourceId,
    token,
    packetNumber: opened.packetNumber,
    frames,
    crypto: frames.filter((frame) => frame.kind === "crypto"),
    unreadBytes: opened.payload.length - bytes,
    rest,
  };
}

interface Connection {
  readonly version: QuicVersion;
  readonly destinationId: Uint8Array;
  readonly keys: QuicKeys;
  largest: number;
  /** What the client's CRYPTO frames told so far; undefined where nothing was told. */
  readonly octets: (number | undefined)[];
}

/**
 * The server name in a client's datagrams, all of one flow, in order of arrival; undefined where there is none. Never
 * throws. An Initial is opened with the keys of the connection that is known already, then with keys of its own; the
 * latter start a new connection. Of octets told twice the first count.
 */
export function readQuicServerName(datagrams: readonly Uint8Array[]): string | undefined {
  let connection: Connection | undefined;
  for (const datagram of datagrams) {
    for (const place of placesOf(datagram)) {
      if (place.kind !== "initial") continue;
      const known = connection && openOf(connection, place);
      const fresh = known ? undefined : openFresh(connection, place);
      connection = fresh?.connection ?? connection;
      const initial = known ?? fresh?.initial;
      if (!connection || !initial) continue;
      connection.largest = Math.max(connection.largest, initial.packetNumber);
      for (const frame of initial.crypto) gather(connection.octets, frame);
    }
    const name = connection && readHelloName(connection.octets);
    if (name !== undefined) return name;
  }
  return undefined;
}

function openOf(connection: Connection, place: QuicPacketPlace): ReadInitial | undefined {
  if (connection.version !== place.version) return undefined;
  return openInitial(place, connection.keys, connection.largest);
}

function openFresh(
  connection: Connection | undefined,
  place: QuicPacketPlace,
): { readonly initial: ReadInitial; readonly connection: Connection } | undefined {
  const { version, destinationId } = place;
  if (connection?.version === version && same(connection.destinationId, destinationId)) return undefined;
  const keys = quicInitialKeys(version, destinationId);
  const initial = openInitial(place, keys, -1);
  return initial && { initial, connection: { version, destinationId, keys, largest: -1, octets: [] } };
}

function gather(octets: (number | undefined)[], frame: QuicCrypto): void {
  for (const [index, octet] of frame.octets.entries()) {
    const at = frame.offset + index;
    if (at >= HOLD_MESSAGE_MAX_BYTES) return;
    octets[at] ??= octet;
  }
}

/**
 * The walk of `readClientHello` from the handshake header on: what it needs must be told already, but octets that it
 * steps over may still be missing. Undefined: not told, or nowhere.
 */
function readHelloName(octets: readonly (number | undefined)[]): string | undefined {
  // A missing octet turns every sum that it enters into NaN, which no comparison lets through.
  const number = (at: number, bytes: number): number => {
    return Array.from({ length: bytes }, (_, index) => octets[at + index] ?? Number.NaN).reduce((a, b) => a * 256 + b);
  };
  if (number(0, 1) !== 1) return undefined;
  const end = Math.min(4 + number(1, 3), HOLD_MESSAGE_MAX_BYTES);
  let at = 4 + 2 + 32;
  for (const lengthBytes of [1, 2, 1]) {
    if (!(at + lengthBytes <= end)) return undefined;
    at += lengthBytes + number(at, lengthBytes);
  }
  if (!(at + 2 <= end)) return undefined;
  const extensionsEnd = Math.min(end, at + 2 + number(at, 2));
  at += 2;
  for (let seen = 0; seen < TLS_EXTENSIONS_MAX && at + 4 <= extensionsEnd; seen += 1) {
    const data = at + 4;
    const dataEnd = Math.min(extensionsEnd, data + number(at + 2, 2));
    if (number(at, 2) !== 0) {
      at = data + number(at + 2, 2);
      continue;
    }
    const nameBytes = number(data + 3, 2);
    const isName = data + 5 <= dataEnd && number(data + 2, 1) === 0 && nameBytes >= 1 && nameBytes <= HOST_MAX_BYTES;
    if (!isName || !(data + 5 + nameBytes <= dataEnd)) return undefined;
    const name = Array.from({ length: nameBytes }, (_, index) => octets[data + 5 + index]);
    return name.includes(undefined) ? undefined : String.fromCharCode(...name.map(Number));
  }
  return undefined;
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((octet, at) => octet === right[at]);
}
