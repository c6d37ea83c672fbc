import { describe, expect, test } from "bun:test";
import {
  mixedFrames,
  POST_QUANTUM_SHARE_BYTES,
  quicHello,
  quicInitial,
  quicInitialOf,
  quicInitials,
  quicOpaquePacket,
  type QuicFrame,
} from "@bunnel/wire";
import { QuicNames } from "./quic-names.ts";

const NAME = "video.example.org";
const FOUND = { name: NAME };
const ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const OTHER_ID = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);
const LARGE = quicHello({ serverName: NAME, extensionOrder: "last", keyShareBytes: POST_QUANTUM_SHARE_BYTES });

/** The large hello in so many datagrams; the name is in the last. */
function large(datagrams: number, destinationId = ID): Uint8Array[] {
  return quicInitials({ hello: LARGE, datagrams, destinationId });
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function looked(names: QuicNames, datagrams: readonly Uint8Array[], flowKey = 1n): unknown[] {
  return datagrams.map((datagram) => names.look(datagram, flowKey, 0));
}

describe("QuicNames.look()", () => {
  test.each([1, 2] as const)("finds the name in one datagram of version %i", (version) => {
    expect(new QuicNames().look(quicInitial({ version, serverName: NAME }), 1n, 0)).toEqual(FOUND);
  });

  test("finds the name in a hello cut, turned round and mixed with other frames", () => {
    const cryptoSplit = [1, 2, 39, 50, 90];
    const datagram = quicInitial({ serverName: NAME, cryptoSplit, arrange: mixedFrames, token: new Uint8Array(70) });
    expect(new QuicNames().look(datagram, 1n, 0)).toEqual(FOUND);
  });

  test("waits for the datagram with the name, and names every one of the handshake after it", () => {
    const [first = ID, second = ID, third = ID] = large(3);
    expect(looked(new QuicNames(), [first, second, first, third, first])).toEqual([
      "incomplete",
      "incomplete",
      "incomplete",
      FOUND,
      FOUND,
    ]);
    expect(looked(new QuicNames(), [third, second, first])).toEqual(["incomplete", "incomplete", FOUND]);
  });

  test("does not wait for octets that it steps over", () => {
    const [first, , third] = large(3);
    // The second third lies within the key share.
    expect(looked(new QuicNames(), [first ?? ID, third ?? ID])).toEqual(["incomplete", FOUND]);
  });

  test("says none where there is none", () => {
    const names = new QuicNames();
    const hello = quicHello();
    const serverHello = Uint8Array.of(2, ...LARGE.subarray(1));
    expect(looked(names, [quicInitial({ hello }), quicInitial({ hello: serverHello, destinationId: ID })])).toEqual([
      "none",
      "none",
    ]);
  });

  test("says none to a packet without CRYPTO octets, and keeps what it knows", () => {
    const names = new QuicNames();
    const [first = ID, second = ID] = large(2);
    const frames: QuicFrame[] = [
      { kind: "ack", largest: 3, delay: 0, first: 3, ranges: [[0, 0]], ecn: [1, 2, 3] },
      { kind: "close", error: 1, frameType: 0, reason: "no" },
      { kind: "crypto", offset: 0, octets: new Uint8Array(0) },
    ];
    const empty = quicInitialOf({ destinationId: ID, packetNumber: 7 }, frames);
    expect(looked(names, [first, empty, second])).toEqual(["incomplete", "none", FOUND]);
  });

  test("keeps flows apart", () => {
    const names = new QuicNames();
    const [first = ID, second = ID] = large(2);
    expect(looked(names, [first], 1n)).toEqual(["incomplete"]);
    expect(looked(names, [second], 2n)).toEqual(["incomplete"]);
    expect(looked(names, [second], 1n)).toEqual([FOUND]);
  });

  test("goes on with the first keys when the client writes to the server's id", () => {
    const fields = { hello: LARGE, datagrams: 2, originalDestinationId: ID };
    const [, answered = ID] = quicInitials({ ...fields, destinationId: OTHER_ID });
    const [first = ID] = large(2);
    expect(looked(new QuicNames(), [first, answered])).toEqual(["incomplete", FOUND]);
    expect(looked(new QuicNames(), [answered])).toEqual(["none"]);
  });

  test("starts anew with keys of another id, as after a Retry", () => {
    const [, otherSecond = ID] = large(2, OTHER_ID);
    const [first = ID, second = ID] = large(2);
    expect(looked(new QuicNames(), [first, otherSecond, second])).toEqual(["incomplete", "incomplete", "incomplete"]);
    expect(looked(new QuicNames(), [first, ...large(2, OTHER_ID)])).toEqual(["incomplete", "incomplete", FOUND]);
  });

  test("reads packet numbers that come without their high octets", () => {
    const fields = { hello: LARGE, destinationId: ID, packetNumberBytes: 1 };
    const datagrams = quicInitials({ ...fields, datagrams: 3, packetNumber: 254 });
    expect(looked(new QuicNames(), datagrams)).toEqual(["incomplete", "incomplete", FOUND]);
    expect(looked(new QuicNames(), datagrams.slice(2))).toEqual(["none"]);
    const [before = ID] = quicInitials({ hello: LARGE, destinationId: ID, datagrams: 2, packetNumber: 510 });
    const [, after = ID] = quicInitials({ ...fields, datagrams: 2, packetNumber: 511 });
    expect(looked(new QuicNames(), [before, after])).toEqual(["incomplete", FOUND]);
  });

  test("finds an Initial behind other packets of its connection, not of another, and not past eight", () => {
    const initial = quicInitial({ serverName: NAME, destinationId: ID });
    const before = (count: number, destinationId: Uint8Array): Uint8Array => {
      const packet = quicOpaquePacket("zeroRtt", { destinationId }, new Uint8Array(30));
      return concat(...Array.from({ length: count }, () => packet), initial);
    };
    expect(new QuicNames().look(before(7, ID), 1n, 0)).toEqual(FOUND);
    expect(new QuicNames().look(before(8, ID), 1n, 0)).toBe("none");
    expect(new QuicNames().look(before(1, OTHER_ID), 1n, 0)).toBe("none");
  });

  test("gathers from several Initials of one datagram", () => {
    const initials = quicInitials({ hello: LARGE, datagrams: 3, destinationId: ID, padToBytes: 0 });
    expect(new QuicNames().look(concat(...initials), 1n, 0)).toEqual(FOUND);
  });

  test("lets the first of octets told twice count", () => {
    const decoy = quicHello({
      serverName: "decoy.example.org",
      extensionOrder: "last",
      keyShareBytes: POST_QUANTUM_SHARE_BYTES,
    });
    const decoys = quicInitials({ hello: decoy, datagrams: 2, destinationId: ID });
    const [first = ID, second = ID] = large(2);
    const answers = looked(new QuicNames(), [second, decoys[1] ?? ID, first]);
    expect(answers).toEqual(["incomplete", "incomplete", FOUND]);
  });

  test("refuses Initials that are too short for a sample and a tag", () => {
    for (let bytes = 0; bytes < 20; bytes++) {
      const head = [0xc0, 0, 0, 0, 1, 0, 0, 0, bytes];
      expect(new QuicNames().look(Uint8Array.from([...head, ...new Uint8Array(bytes)]), 1n, 0)).toBe("none");
    }
  });

  test("reads from shared memory and leaves it as it was", () => {
    const datagram = quicInitial({ serverName: NAME });
    const shared = new Uint8Array(new SharedArrayBuffer(2000)).subarray(100, 100 + datagram.length);
    shared.set(datagram);
    expect(new QuicNames().look(shared, 1n, 0)).toEqual(FOUND);
    expect(shared.toHex()).toBe(datagram.toHex());
  });

  test("takes datagrams of any size", () => {
    const initial = quicInitial({ serverName: NAME });
    const padded = (bytes: number): Uint8Array => concat(initial, new Uint8Array(bytes - initial.length));
    expect(new QuicNames().look(padded(65535), 1n, 0)).toEqual(FOUND);
    expect(new QuicNames().look(padded(65536), 1n, 0)).toBe("none");
  });
});

describe("QuicNames forgets", () => {
  const [first = ID, second = ID] = large(2);

  test("a flow not seen for the hold time, at any state of a clock that wraps", () => {
    for (const start of [0, 1e12, 2 ** 32 - 1000]) {
      const at = (afterMs: number): number => (start + afterMs) % 2 ** 32;
      const names = new QuicNames({ holdMs: 2000 });
      names.look(first, 1n, at(0));
      expect(names.look(second, 1n, at(2000))).toEqual(FOUND);
      names.look(first, 2n, at(0));
      expect(names.look(second, 2n, at(2001))).toBe("incomplete");
    }
  });

  test("nothing over a clock that is set back a little", () => {
    const names = new QuicNames();
    names.look(first, 1n, 1000);
    expect(names.look(second, 1n, 900)).toEqual(FOUND);
  });

  test("the flow not seen for longest when there are too many", () => {
    const names = new QuicNames({ maxFlows: 3 });
    for (const flow of [1n, 2n, 3n, 1n, 4n]) names.look(first, flow, 0);
    expect(names.flows).toBe(3);
    expect(names.look(second, 1n, 0)).toEqual(FOUND);
    expect(names.look(second, 2n, 0)).toBe("incomplete");
  });

  test("what a hello has behind its limit", () => {
    // The first half tells that the name lies behind a key share of 1216 octets.
    expect(looked(new QuicNames({ maxHelloBytes: 1000 }), [first, second])).toEqual(["none", "none"]);
    expect(looked(new QuicNames({ maxHelloBytes: LARGE.length - 1 }), [first, second])).toEqual(["incomplete", "none"]);
    expect(looked(new QuicNames({ maxHelloBytes: LARGE.length }), [first, second])).toEqual(["incomplete", FOUND]);
  });

  test.each([{ maxFlows: 0 }, { maxHelloBytes: 70000 }, { holdMs: 0.5 }])("and refuses limits as %j", (limits) => {
    expect(() => new QuicNames(limits)).toThrow(/expected 1\.\.\d+, found/u);
  });
});
