// Generators of QUIC Initials; `@bunnel/wire/arbitrary` hands them on.
import fc, { type Arbitrary } from "fast-check";
import { anyHelloFields } from "./arbitrary.ts";
import { concat } from "./octets.ts";
import { quicFrames, type QuicCrypto, type QuicFrame } from "./quic-frame.ts";
import { protectInitial, quicHello, quicInitials, type QuicInitialFields } from "./quic-initial.ts";
import { quicOpaquePacket, type QuicLongHeader } from "./quic-packet.ts";

const DATAGRAMS_MAX = 4;
const SPLITS_MAX = 6;

/** The datagrams with which one client opens a connection; all are needed for the whole hello. */
export interface SampleInitials {
  /** In the order in which they were built, which is that of their packet numbers. */
  readonly datagrams: readonly Uint8Array[];
  /** Undefined: the hello names no host. */
  readonly host: string | undefined;
  /** The handshake message inside. */
  readonly hello: Uint8Array;
}

/**
 * Initials of either version with ids and tokens of every length; the hello in one datagram or several, in CRYPTO
 * frames of any size and order, some of them twice, with PING, PADDING and ACK between them; packets of other kinds
 * and padding behind the Initial.
 */
export function anyQuicInitial(): Arbitrary<SampleInitials> {
  const choice = fc.record({
    hello: anyHelloFields(),
    header: anyHeader(),
    datagrams: fc.integer({ min: 1, max: DATAGRAMS_MAX }),
    splits: fc.uniqueArray(fc.nat(0xffff), { maxLength: SPLITS_MAX }),
    arrangement: anyArrangement(),
    behind: anyBehind(),
    padToBytes: fc.constantFrom(1200, 1200, 1250, 1350, 0),
  });
  return choice.map(({ hello: helloFields, header, splits, arrangement, behind, ...rest }) => {
    const hello = quicHello(helloFields, header.sourceId);
    const cryptoSplit = [...new Set(splits.map((split) => 1 + (split % (hello.length - 1))))].toSorted((a, b) => a - b);
    const fields = { ...header, ...rest, hello, cryptoSplit, arrange: arrangement };
    const datagrams = quicInitials(fields).map((datagram) => concat(datagram, behind(header)));
    return { datagrams, host: helloFields.serverName, hello };
  });
}

/**
 * Datagrams with faults of every depth: in the hello, in the frames, or on the way, where octets are changed (often in
 * the header), cut off, or added. Some may still be right.
 */
export function mutatedQuicInitial(): Arbitrary<readonly Uint8Array[]> {
  const inHello = fc
    .tuple(anyQuicInitial(), anyHeader(), anyChanges(300))
    .map(([{ hello, datagrams }, header, changes]) => {
      const fields = { ...header, hello: changed(hello, changes), datagrams: datagrams.length };
      return quicInitials(fields);
    });
  const inFrames = fc.tuple(anyQuicInitial(), anyHeader(), anyChanges(60)).map(([{ hello }, header, changes]) => {
    const half = Math.ceil(hello.length / 2);
    return [hello.slice(0, half), hello.slice(half)].map((octets, index) => {
      const frames = quicFrames([{ kind: "ping" }, { kind: "crypto", offset: index * half, octets }]);
      return protectInitial(header, changed(frames, changes));
    });
  });
  const damage = fc.record({
    changes: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: anyChanges(48) }),
    cut: fc.option(fc.nat(0xffff), { freq: 1 }).map((cut) => cut ?? undefined),
    tail: fc.uint8Array({ maxLength: 24 }),
  });
  const damages = fc.array(fc.option(damage, { nil: undefined }), {
    minLength: DATAGRAMS_MAX,
    maxLength: DATAGRAMS_MAX,
  });
  const onTheWay = fc.tuple(anyQuicInitial(), damages).map(([{ datagrams }, each]) => {
    return datagrams.map((datagram, index) => {
      const { changes = [], cut, tail = new Uint8Array(0) } = each[index] ?? {};
      const kept = cut === undefined ? datagram : datagram.slice(0, cut % (datagram.length + 1));
      return concat(changed(kept, changes), tail);
    });
  });
  return fc.oneof(inHello, inFrames, onTheWay);
}

type Change = readonly [at: number, octet: number];

/** Half of the changes lie within the first `often` octets. */
function anyChanges(often: number): Arbitrary<readonly Change[]> {
  const octet = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 6, 0x40, 0xff));
  return fc.array(fc.tuple(fc.oneof(fc.nat(often), fc.nat(0xffff)), octet), { minLength: 1, maxLength: 4 });
}

function changed(octets: Uint8Array, changes: readonly Change[]): Uint8Array {
  const copy = octets.slice();
  for (const [at, octet] of changes) if (copy.length > 0) copy[at % copy.length] = octet;
  return copy;
}

type InitialHeader = Required<QuicLongHeader> & Pick<QuicInitialFields, "packetNumber" | "packetNumberBytes">;

function anyHeader(): Arbitrary<InitialHeader> {
  const numbers = fc.oneof(
    fc.constant({ packetNumber: 0 }),
    fc.record({ packetNumber: fc.nat(0xffff) }),
    fc.record({ packetNumber: fc.nat(0x7fffffff), packetNumberBytes: fc.constant(4) }),
  );
  const own = fc.record({
    version: fc.constantFrom(1 as const, 2 as const),
    destinationId: fc.oneof(fc.uint8Array({ minLength: 8, maxLength: 20 }), fc.uint8Array({ maxLength: 20 })),
    sourceId: fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 20 })),
    token: fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 120 })),
  });
  return fc.tuple(own, numbers).map(([header, number]) => ({ ...header, ...number }));
}

/** How the pieces of one packet become frames. Equal values arrange equally. */
function anyArrangement(): Arbitrary<(pieces: readonly QuicCrypto[]) => readonly QuicFrame[]> {
  const frame: Arbitrary<QuicFrame> = fc.oneof(
    fc.constant<QuicFrame>({ kind: "ping" }),
    fc.integer({ min: 1, max: 20 }).map((bytes): QuicFrame => ({ kind: "padding", bytes })),
    fc.constant<QuicFrame>({ kind: "ack", largest: 70, delay: 5, first: 1, ranges: [[2, 3]] }),
    fc.constant<QuicFrame>({ kind: "ack", largest: 1, delay: 900, first: 0, ranges: [], ecn: [1, 0, 70_000] }),
    fc.nat(3000).map((offset): QuicFrame => ({ kind: "crypto", offset, octets: new Uint8Array(0) })),
  );
  const places = fc.array(
    fc.record({ rank: fc.nat(99), before: fc.array(frame, { maxLength: 2 }), again: fc.nat(9) }),
    {
      minLength: SPLITS_MAX + 1,
      maxLength: SPLITS_MAX + 1,
    },
  );
  return fc.oneof(fc.constant([]), places).map((chosen) => (pieces) => {
    const placed = pieces.map((piece, index) => ({ piece, ...(chosen[index] ?? { rank: 0, before: [], again: 1 }) }));
    return placed
      .toSorted((left, right) => left.rank - right.rank)
      .flatMap(({ piece, before, again }): QuicFrame[] => [...before, piece, ...(again === 0 ? [piece] : [])]);
  });
}

/** What stands behind the Initial in its datagram. */
function anyBehind(): Arbitrary<(header: QuicLongHeader) => Uint8Array> {
  const octets = fc.uint8Array({ minLength: 20, maxLength: 60 });
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(() => new Uint8Array(0)) },
    { weight: 1, arbitrary: fc.nat(100).map((bytes) => () => new Uint8Array(bytes)) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom("zeroRtt" as const, "handshake" as const), octets).map(([kind, content]) => {
        return (header: QuicLongHeader) => quicOpaquePacket(kind, header, content);
      }),
    },
  );
}
