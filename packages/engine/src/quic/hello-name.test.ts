import { describe, expect, test } from "bun:test";
import { clientHello, quicHello } from "@bunnel/wire";
import { helloName } from "./hello-name.ts";
import { HelloStream } from "./hello-stream.ts";

const NAME = "video.example.org";
const HELLO = quicHello({ serverName: NAME });
/** Handshake 4, version 2, random 32, no session id 1, suites 2 + 26, compression 2, extensions 2. */
const FIRST_EXTENSION_AT = 71;
const NAME_AT = FIRST_EXTENSION_AT + 9;
const NAME_END = NAME_AT + NAME.length;

function nameIn(...parts: readonly (readonly [at: number, octets: Uint8Array])[]): unknown {
  const stream = new HelloStream(8192);
  for (const [at, octets] of parts) stream.add(at, octets, 0, octets.length);
  return helloName(stream);
}

/** The hello with two octets replaced by a number. */
function withWord(at: number, value: number, hello = HELLO): Uint8Array {
  const copy = Uint8Array.from(hello);
  copy.set([value >> 8, value & 0xff], at);
  return copy;
}

describe("helloName()", () => {
  test("is incomplete until the name's last octet is there", () => {
    for (let bytes = 0; bytes <= HELLO.length; bytes++) {
      expect(nameIn([0, HELLO.subarray(0, bytes)])).toEqual(bytes < NAME_END ? "incomplete" : { name: NAME });
    }
  });

  test("needs lengths, the extension's type and the name, and no other octet", () => {
    const needed = [0, 1, 2, 3, 38, 39, 40, 67, 69, 70, 71, 72, 73, 74, 77, 78, 79];
    for (let at = 0; at < HELLO.length; at++) {
      const isNeeded = needed.includes(at) || (at >= NAME_AT && at < NAME_END);
      const answer = nameIn([0, HELLO.subarray(0, at)], [at + 1, HELLO.subarray(at + 1)]);
      expect([at, answer]).toEqual([at, isNeeded ? "incomplete" : { name: NAME }]);
    }
  });

  test("stops at the end of the message, wherever that is", () => {
    for (let bytes = 0; bytes < HELLO.length; bytes++) {
      const short = withWord(2, Math.max(0, bytes - 4));
      const answer = bytes < NAME_END ? "none" : { name: NAME };
      expect([bytes, nameIn([0, short])]).toEqual([bytes, answer]);
      // A whole message is never incomplete.
      expect([bytes, nameIn([0, short.subarray(0, Math.max(4, bytes))])]).toEqual([bytes, answer]);
    }
  });

  test("says none early where nothing that follows can change it", () => {
    expect(nameIn([0, Uint8Array.of(2)])).toBe("none");
    // The session id alone reaches past the message.
    expect(nameIn([0, withWord(2, 40, withWord(38, 0x2800)).subarray(0, 39)])).toBe("none");
    expect(nameIn([0, withWord(FIRST_EXTENSION_AT - 2, 0).subarray(0, FIRST_EXTENSION_AT)])).toBe("none");
  });

  test.each<[string, Uint8Array]>([
    ["of no octets", withWord(NAME_AT - 2, 0)],
    ["above 253 octets", quicHello({ serverName: "a".repeat(254) })],
    ["of another type than host_name", withWord(NAME_AT - 3, 0x0100)],
    ["past the end of its extension", withWord(NAME_AT - 7, NAME.length + 4)],
    ["past the end of the extensions", withWord(FIRST_EXTENSION_AT - 2, NAME.length + 8)],
    ["in an extension without room for it", withWord(NAME_AT - 7, 4)],
    ["past the limit of what is kept", quicHello({ serverName: NAME, extensionOrder: "last", padToBytes: 8198 })],
  ])("finds no name %s", (_, hello) => {
    expect(nameIn([0, hello])).toBe("none");
  });

  test("does not wait for an extension that has no room for the name", () => {
    expect(nameIn([0, withWord(NAME_AT - 7, 4).subarray(0, NAME_AT - 5)])).toBe("none");
  });

  test("takes a name of 253 octets, and one that ends where the limit is", () => {
    const long = "a".repeat(253);
    expect(nameIn([0, quicHello({ serverName: long })])).toEqual({ name: long });
    const last = quicHello({ serverName: NAME, extensionOrder: "last", padToBytes: 8197 });
    expect(last.length).toBe(8192);
    expect(nameIn([0, last])).toEqual({ name: NAME });
  });

  test("looks at 64 extensions", () => {
    const hello = (others: number): Uint8Array => {
      const usual = 9;
      const extensions = Array.from({ length: others - usual }, (_, i) => ({ type: 100 + i, data: Uint8Array.of(i) }));
      return quicHello({ serverName: NAME, extensionOrder: "last", extensions });
    };
    expect(nameIn([0, hello(63)])).toEqual({ name: NAME });
    expect(nameIn([0, hello(64)])).toBe("none");
  });

  test("reads a session id too, which QUIC leaves empty", () => {
    expect(nameIn([0, clientHello({ serverName: NAME }).subarray(5)])).toEqual({ name: NAME });
  });
});

describe("HelloStream", () => {
  test("keeps nothing at its limit or behind it", () => {
    const stream = new HelloStream(4);
    stream.add(2, Uint8Array.of(1, 2, 3, 4), 0, 4);
    stream.add(2 ** 60, Uint8Array.of(9), 0, 1);
    expect([stream.has(2, 2), stream.has(3, 2), stream.number(2, 2)]).toEqual([true, false, 0x0102]);
    stream.clear();
    expect(stream.has(2, 1)).toBe(false);
  });
});
