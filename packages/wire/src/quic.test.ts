import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  CLIENT_DESTINATION_ID,
  CLIENT_HELLO,
  CLIENT_INITIAL_V1,
  CLIENT_INITIAL_V2,
  SERVER_HELLO,
  SERVER_INITIAL_V1,
  SERVER_INITIAL_V2,
  SERVER_SOURCE_ID,
} from "../test/quic-vectors.ts";
import { anyQuicInitial, mutatedQuicInitial } from "./arbitrary.ts";
import { concat } from "./octets.ts";
import type { QuicCrypto } from "./quic-frame.ts";
import { mixedFrames, quicHello, quicInitial, quicInitialOf, quicInitials } from "./quic-initial.ts";
import type { QuicVersion } from "./quic-keys.ts";
import { quicOpaquePacket } from "./quic-packet.ts";
import { readQuicInitial, readQuicServerName } from "./quic-read.ts";
import { POST_QUANTUM_SHARE_BYTES } from "./tls-hello.ts";

const NAME = "video.example.org";
const LARGE = quicHello({ serverName: NAME, extensionOrder: "last", keyShareBytes: POST_QUANTUM_SHARE_BYTES });
const VERSIONS: readonly QuicVersion[] = [1, 2];
const CLIENT_INITIALS = { 1: CLIENT_INITIAL_V1, 2: CLIENT_INITIAL_V2 };
const SERVER_INITIALS = { 1: SERVER_INITIAL_V1, 2: SERVER_INITIAL_V2 };
const SEED = 20261121;

describe.each(VERSIONS)("the sample packets of version %i", (version) => {
  const number = { packetNumber: 2, packetNumberBytes: 4 };

  test("quicInitial() builds the client's, octet for octet", () => {
    const built = quicInitial({ version, destinationId: CLIENT_DESTINATION_ID, hello: CLIENT_HELLO, ...number });
    expect(built.toHex()).toBe(CLIENT_INITIALS[version].toHex());
  });

  test("quicInitialOf() builds the server's, octet for octet", () => {
    const fields = {
      version,
      from: "server" as const,
      originalDestinationId: CLIENT_DESTINATION_ID,
      destinationId: new Uint8Array(0),
      sourceId: SERVER_SOURCE_ID,
      packetNumber: 1,
      packetNumberBytes: 2,
      padToBytes: 0,
    };
    const ack = { kind: "ack" as const, largest: 0, delay: 0, first: 0, ranges: [] };
    const built = quicInitialOf(fields, [ack, { kind: "crypto", offset: 0, octets: SERVER_HELLO }]);
    expect(built.toHex()).toBe(SERVER_INITIALS[version].toHex());
  });

  test("readQuicInitial() reads the client's", () => {
    expect(readQuicInitial(CLIENT_INITIALS[version])).toEqual({
      version,
      destinationId: CLIENT_DESTINATION_ID,
      sourceId: new Uint8Array(0),
      token: new Uint8Array(0),
      packetNumber: 2,
      frames: [
        { kind: "crypto", offset: 0, octets: CLIENT_HELLO },
        { kind: "padding", bytes: 917 },
      ],
      crypto: [{ kind: "crypto", offset: 0, octets: CLIENT_HELLO }],
      unreadBytes: 0,
      rest: new Uint8Array(0),
    });
    expect(readQuicServerName([CLIENT_INITIALS[version]])).toBe("example.com");
  });

  test("readQuicInitial() reads the server's when told whose it is, and not otherwise", () => {
    const octets = SERVER_INITIALS[version];
    const read = readQuicInitial(octets, { from: "server", originalDestinationId: CLIENT_DESTINATION_ID });
    expect(read).toMatchObject({ sourceId: SERVER_SOURCE_ID, packetNumber: 1, unreadBytes: 0 });
    expect(read?.crypto).toEqual([{ kind: "crypto", offset: 0, octets: SERVER_HELLO }]);
    expect(readQuicInitial(octets)).toBeUndefined();
    expect(readQuicServerName([CLIENT_INITIALS[version].slice(0, 600), octets])).toBeUndefined();
  });
});

describe("quicInitial()", () => {
  test("fills a datagram of 1200 octets unless told otherwise", () => {
    expect(quicInitial({ serverName: NAME }).length).toBe(1200);
    expect(quicInitial({ serverName: NAME, padToBytes: 1350 }).length).toBe(1350);
    expect(quicInitial({ hello: LARGE }).length).toBeGreaterThan(LARGE.length);
  });

  test("has room for the sample even with nothing inside", () => {
    for (const packetNumberBytes of [1, 2, 3, 4]) {
      const read = readQuicInitial(quicInitial({ hello: new Uint8Array(0), packetNumberBytes, padToBytes: 0 }));
      expect(read).toMatchObject({ packetNumber: 0, unreadBytes: 0 });
    }
  });

  test("cuts the hello into CRYPTO frames, and arranges them", () => {
    const hello = quicHello({ serverName: NAME });
    const fields = { hello, cryptoSplit: [10, 60], token: Uint8Array.of(1, 2), sourceId: Uint8Array.of(3) };
    const inOrder = readQuicInitial(quicInitial(fields));
    expect(inOrder).toMatchObject({ token: Uint8Array.of(1, 2), sourceId: Uint8Array.of(3) });
    expect(inOrder?.crypto.map(({ offset, octets }) => [offset, octets.length])).toEqual([
      [0, 10],
      [10, 50],
      [60, hello.length - 60],
    ]);
    const mixed = readQuicInitial(quicInitial({ ...fields, arrange: mixedFrames }));
    expect(mixed?.crypto.map(({ offset }) => offset)).toEqual([60, 10, 0]);
    expect(mixed?.frames.slice(0, 4).map(({ kind }) => kind)).toEqual(["crypto", "ping", "padding", "crypto"]);
    expect(readQuicServerName([quicInitial({ ...fields, arrange: mixedFrames })])).toBe(NAME);
  });

  test.each([
    ["an id above 20 octets", { destinationId: new Uint8Array(21) }, "destination connection id"],
    ["a packet number in five octets", { packetNumberBytes: 5 }, "octets of the packet number"],
    ["a packet number in no octets", { packetNumberBytes: 0 }, "octets of the packet number"],
    ["a negative packet number", { packetNumber: -1 }, "packet number"],
    ["a split at the start", { cryptoSplit: [0] }, "split of the hello must be 1 to"],
    ["splits that do not rise", { cryptoSplit: [9, 9] }, "split of the hello must be 10 to"],
    ["a split past the end", { cryptoSplit: [5000] }, "split of the hello must be 1 to"],
    ["a packet above 16383 octets", { padToBytes: 17000 }, "behind its length"],
  ])("refuses %s", (_, fields, message) => {
    expect(() => quicInitial(fields)).toThrow(message);
  });
});

test("quicInitials() spreads a hello evenly, and packet numbers rise", () => {
  const datagrams = quicInitials({ hello: LARGE, datagrams: 3, packetNumber: 254 });
  const read = datagrams.map((datagram) => readQuicInitial(datagram));
  expect(read.map((initial) => initial?.packetNumber)).toEqual([254, 255, 256]);
  expect(concat(...read.flatMap((initial) => initial?.crypto.map(({ octets }) => octets) ?? []))).toEqual(LARGE);
  expect(datagrams.map((datagram) => datagram.length)).toEqual([1200, 1200, 1200]);
  expect(() => quicInitials({ hello: LARGE, datagrams: LARGE.length + 1 })).toThrow("datagrams must be");
});

describe("readQuicInitial()", () => {
  const initial = quicInitial({ serverName: NAME, padToBytes: 600 });
  const zeroRtt = quicOpaquePacket("zeroRtt", {}, new Uint8Array(40));
  const stray = quicOpaquePacket("zeroRtt", { destinationId: new Uint8Array(8) }, new Uint8Array(40));

  test("finds an Initial between other packets, and shows what follows", () => {
    const read = readQuicInitial(concat(zeroRtt, initial, zeroRtt));
    expect(read?.packetNumber).toBe(0);
    expect(read?.rest).toEqual(zeroRtt);
  });

  test("looks at eight packets of a datagram", () => {
    const behind = (count: number): Uint8Array => concat(...Array.from({ length: count }, () => zeroRtt), initial);
    expect(readQuicInitial(behind(7))).toBeDefined();
    expect(readQuicInitial(behind(8))).toBeUndefined();
  });

  test.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["a short header", concat(0x40, initial.slice(1))],
    ["a cleared fixed bit", concat(0x80, initial.slice(1))],
    ["another version", concat(initial.slice(0, 4), 9, initial.slice(5))],
    ["version negotiation", concat(initial.slice(0, 1), new Uint8Array(4), initial.slice(5))],
    ["a Retry", concat(0xf0, initial.slice(1))],
    ["an id above 20 octets", concat(initial.slice(0, 5), 21, initial.slice(6))],
    ["a length past the datagram", initial.slice(0, -1)],
    ["0-RTT to another connection before it", concat(stray, initial)],
  ])("finds none in %s", (_, octets) => {
    expect(readQuicInitial(octets)).toBeUndefined();
  });

  test("leaves the octets as they were, of a Buffer too", () => {
    const buffer = Buffer.from(initial);
    expect(readQuicInitial(buffer)?.crypto).toHaveLength(1);
    expect(readQuicServerName([buffer, buffer])).toBe(NAME);
    expect(buffer.toHex()).toBe(initial.toHex());
  });

  test("reads any octets to an end", () => {
    fc.assert(
      fc.property(mutatedQuicInitial(), (datagrams) => {
        for (const datagram of datagrams) readQuicInitial(datagram);
        readQuicServerName(datagrams);
      }),
    );
  });
});

describe("readQuicServerName()", () => {
  const datagrams = quicInitials({ hello: LARGE, datagrams: 3 });

  test("needs the datagrams that the name lies in, and finds it in any order", () => {
    expect(datagrams.map((datagram) => readQuicServerName([datagram]))).toEqual([undefined, undefined, undefined]);
    expect(readQuicServerName(datagrams)).toBe(NAME);
    expect(readQuicServerName(datagrams.toReversed())).toBe(NAME);
    expect(readQuicServerName([...datagrams.slice(0, 2), ...datagrams.slice(0, 2)])).toBeUndefined();
  });

  test("steps over octets that it need not read", () => {
    const hello = quicHello({ serverName: NAME, extensionOrder: "last", padToBytes: 3000 });
    const arrange = (pieces: readonly QuicCrypto[]): readonly QuicCrypto[] => pieces.filter((_, index) => index !== 1);
    const holed = quicInitial({ hello, cryptoSplit: [900, 2900], arrange });
    // The hole lies within the padding extension.
    expect(readQuicInitial(holed)?.crypto.map(({ offset }) => offset)).toEqual([0, 2900]);
    expect(readQuicServerName([holed])).toBe(NAME);
  });

  test("goes on with the first keys when the client writes to the server's id", () => {
    const answered = quicInitials({
      hello: LARGE,
      datagrams: 3,
      destinationId: Uint8Array.of(9, 9, 9, 9),
      originalDestinationId: quicDestination(datagrams[0]),
    });
    expect(readQuicServerName([...datagrams.slice(0, 2), ...answered.slice(2)])).toBe(NAME);
    expect(readQuicServerName(answered)).toBeUndefined();
  });

  test("starts anew with another connection, as after a Retry", () => {
    const other = quicInitials({ hello: LARGE, datagrams: 3, destinationId: new Uint8Array(8) });
    expect(readQuicServerName([...datagrams.slice(0, 2), ...other.slice(2)])).toBeUndefined();
    expect(readQuicServerName([...datagrams.slice(0, 2), ...other])).toBe(NAME);
  });

  test("counts the first of octets told twice", () => {
    const decoy = quicHello({ serverName: "decoy.example.org" });
    expect(readQuicServerName([quicInitial({ hello: decoy }), quicInitial({ serverName: NAME })])).toBe(
      "decoy.example.org",
    );
  });

  test("finds what the builders put in, whatever the order", () => {
    fc.assert(
      fc.property(anyQuicInitial(), fc.boolean(), ({ datagrams: sample, host }, reversed) => {
        expect(readQuicServerName(reversed ? sample.toReversed() : sample)).toBe(host as string);
      }),
      { numRuns: 300 },
    );
  });
});

test("anyQuicInitial() makes every kind, mutatedQuicInitial() both readable and broken ones", () => {
  const samples = fc.sample(anyQuicInitial(), { numRuns: 300, seed: SEED });
  const read = samples.map(({ datagrams: [first = new Uint8Array(0)] }) => readQuicInitial(first));
  const share = (holds: (index: number) => boolean): number => samples.filter((_, index) => holds(index)).length;
  expect(share((index) => read[index] === undefined)).toBe(0);
  expect(share((index) => read[index]?.version === 2)).toBeGreaterThan(50);
  expect(share((index) => (samples[index]?.datagrams.length ?? 0) > 1)).toBeGreaterThan(50);
  expect(share((index) => (read[index]?.crypto.length ?? 0) > 1)).toBeGreaterThan(50);
  expect(share((index) => read[index]?.frames.some(({ kind }) => kind === "ack") ?? false)).toBeGreaterThan(20);
  expect(share((index) => (read[index]?.rest.length ?? 0) > 0)).toBeGreaterThan(50);
  expect(share((index) => samples[index]?.host === undefined)).toBeGreaterThan(10);
  const broken = fc.sample(mutatedQuicInitial(), { numRuns: 300, seed: SEED }).map((datagrams) => {
    return readQuicServerName(datagrams) === undefined;
  });
  for (const each of [true, false]) expect(broken.filter((is) => is === each).length).toBeGreaterThan(50);
});

function quicDestination(datagram: Uint8Array = new Uint8Array(0)): Uint8Array {
  return readQuicInitial(datagram)?.destinationId ?? new Uint8Array(0);
}
