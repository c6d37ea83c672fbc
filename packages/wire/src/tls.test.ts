import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { REAL_HELLO } from "../test/real-packets.ts";
import { anyHello, anyHelloFields } from "./arbitrary.ts";
import { decodePacket } from "./decode.ts";
import { be16, be24, concat, latin1Of, setBe16 } from "./octets.ts";
import { clientHello, POST_QUANTUM_SHARE_BYTES, splitRecords } from "./tls-hello.ts";
import { readClientHello } from "./tls-read.ts";

const NAME = "video.example.org";
const HELLO = clientHello({ serverName: NAME });
const NAME_OFFSET = readClientHello(HELLO)?.nameOffset ?? 0;

test("readClientHello() reads a real one", () => {
  const payload = decodePacket(REAL_HELLO).payload;
  const expected = { serverName: NAME, nameOffset: 153, nameBytes: 17, sniExtOffset: 148, complete: true };
  expect(readClientHello(payload)).toEqual(expected);
  expect(latin1Of(payload).indexOf(NAME)).toBe(153);
});

test("clientHello() grows to a size, and past one packet with a post-quantum share", () => {
  expect(clientHello({ serverName: NAME, padToBytes: 517 }).length).toBe(517);
  const large = clientHello({ serverName: NAME, keyShareBytes: POST_QUANTUM_SHARE_BYTES });
  expect(large.length).toBeGreaterThan(1460);
  expect(readClientHello(large)?.serverName).toBe(NAME);
});

test("clientHello() refuses a size that padding cannot meet", () => {
  const bare = HELLO.length;
  for (const padToBytes of [bare - 1, bare + 1, bare + 3]) {
    const message = `padToBytes must be ${bare}, or ${bare + 4} and more, found ${padToBytes}`;
    expect(() => clientHello({ serverName: NAME, padToBytes })).toThrow(message);
  }
  expect(clientHello({ serverName: NAME, padToBytes: bare })).toEqual(HELLO);
});

test("clientHello() puts server_name first or last", () => {
  const last = clientHello({ serverName: NAME, extensionOrder: "last", padToBytes: 600 });
  expect(latin1Of(last.slice(-NAME.length))).toBe(NAME);
  expect(readClientHello(last)?.nameOffset).toBe(600 - NAME.length);
  expect(NAME_OFFSET).toBeLessThan(150);
});

test("clientHello() without a name has no server_name extension", () => {
  expect(readClientHello(clientHello())).toEqual({ nameOffset: 0, nameBytes: 0, sniExtOffset: 0, complete: true });
});

test("readClientHello() finds the name that clientHello() took, where it says", () => {
  fc.assert(
    fc.property(anyHello(), ({ octets, host }) => {
      const read = readClientHello(octets);
      expect(read?.serverName).toBe(host as string);
      expect(read?.complete).toBe(true);
      if (!read || host === undefined) return;
      expect(latin1Of(octets.slice(read.nameOffset, read.nameOffset + read.nameBytes))).toBe(host);
      expect(be16(octets, read.sniExtOffset - 4)).toBe(0);
      expect(be16(octets, read.sniExtOffset - 2)).toBe(read.nameBytes + 5);
    }),
  );
});

test("lengths of record and handshake agree", () => {
  fc.assert(
    fc.property(anyHelloFields(), (fields) => {
      const hello = clientHello(fields);
      expect([be16(hello, 3), be24(hello, 6)]).toEqual([hello.length - 5, hello.length - 9]);
    }),
  );
});

test("readClientHello() of a hello cut short finds the name as soon as its last octet is there", () => {
  const end = NAME_OFFSET + NAME.length;
  for (let bytes = 6; bytes < HELLO.length; bytes += 1) {
    const read = readClientHello(HELLO.slice(0, bytes));
    expect(read?.complete).toBe(false);
    expect(read?.serverName !== undefined).toBe(bytes >= end);
  }
});

describe("readClientHello() finds no hello in", () => {
  test.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["five octets", HELLO.slice(0, 5)],
    ["application data", concat(23, HELLO.slice(1))],
    ["SSL 2", concat(22, 2, HELLO.slice(2))],
    ["a ServerHello", concat(HELLO.slice(0, 5), 2, HELLO.slice(6))],
  ])("%s", (_, payload) => {
    expect(readClientHello(payload)).toBeUndefined();
  });
});

describe("readClientHello() finds no name", () => {
  function withWord(at: number, value: number): Uint8Array {
    const hello = HELLO.slice();
    setBe16(hello, at, value);
    return hello;
  }
  test.each<[string, Uint8Array]>([
    ["past the end of the record", withWord(3, NAME_OFFSET + NAME.length - 6)],
    ["of no octets", withWord(NAME_OFFSET - 2, 0)],
    ["above 253 octets", clientHello({ serverName: "a".repeat(254) })],
    ["longer than the extensions", withWord(NAME_OFFSET - 2, 0xffff)],
    ["of another type than host_name", concat(HELLO.slice(0, NAME_OFFSET - 3), 1, HELLO.slice(NAME_OFFSET - 2))],
    ["past the end of its extension", withWord(NAME_OFFSET - 7, NAME.length + 4)],
    ["past the end of the extensions", withWord(NAME_OFFSET - 11, NAME.length + 8)],
  ])("%s", (_, hello) => {
    expect(readClientHello(hello)).toMatchObject({ nameOffset: 0, nameBytes: 0, sniExtOffset: 0 });
    expect(readClientHello(hello)?.serverName).toBeUndefined();
  });

  test("behind 64 other extensions, but the 64th may be it", () => {
    const usual = 8;
    const hello = (others: number): Uint8Array => {
      const extensions = Array.from({ length: others - usual }, (_, index) => ({
        type: 100 + index,
        data: new Uint8Array(0),
      }));
      return clientHello({ serverName: NAME, extensionOrder: "last", extensions });
    };
    expect(readClientHello(hello(63))?.serverName).toBe(NAME);
    expect(readClientHello(hello(64))?.serverName).toBeUndefined();
  });
});

test("readClientHello() reads any octets to an end", () => {
  const damage = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(anyHello(), damage, fc.nat(2000), ({ octets }, changes, bytes) => {
      const hello = octets.slice(0, bytes);
      for (const [at, octet] of changes) if (at < hello.length) hello[at] = octet;
      const read = readClientHello(hello);
      if (read) expect(read.nameOffset + read.nameBytes).toBeLessThanOrEqual(hello.length);
    }),
    { numRuns: 1000 },
  );
});

test("splitRecords() keeps the handshake and gives each piece a record of its own", () => {
  const split = splitRecords(HELLO, [6, NAME_OFFSET + 4]);
  expect(split.length).toBe(HELLO.length + 10);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < split.length; at += 5 + be16(split, at + 3)) {
    expect(split.slice(at, at + 3)).toEqual(HELLO.slice(0, 3));
    pieces.push(split.slice(at + 5, at + 5 + be16(split, at + 3)));
  }
  expect(pieces.map((piece) => piece.length)).toEqual([1, NAME_OFFSET - 2, HELLO.length - NAME_OFFSET - 4]);
  expect(concat(...pieces)).toEqual(HELLO.slice(5));
  // The host name no longer lies in the first record, and a record header stands inside it.
  expect(readClientHello(split, "first")).toMatchObject({ nameBytes: 0, complete: false });
  expect(readClientHello(split)).toMatchObject({ serverName: NAME, nameOffset: 0, complete: true });
});

test("readClientHello() does not call a hello complete whose record is, but not its message", () => {
  const split = splitRecords(HELLO, [NAME_OFFSET + NAME.length]);
  expect(readClientHello(split, "first")).toMatchObject({ serverName: NAME, complete: false });
  expect(readClientHello(split)).toMatchObject({ serverName: NAME, nameOffset: NAME_OFFSET, complete: true });
  expect(readClientHello(split.subarray(0, split.length - 1))).toMatchObject({ serverName: NAME, complete: false });
});

test.each([[[5]], [[20, 20]], [[HELLO.length]], [[30, 20]]])("splitRecords() refuses boundaries %j", (at) => {
  expect(() => splitRecords(HELLO, at)).toThrow("record boundary must lie within");
});
