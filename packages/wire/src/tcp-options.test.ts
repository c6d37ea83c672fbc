import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { REAL_PING, REAL_SYN } from "../test/real-packets.ts";
import { anyTcpOptions } from "./arbitrary.ts";
import { readTcpOptions, tcpOptions, tcpOptionsOf, type TcpOption } from "./tcp-options.ts";
import { tcpPacket } from "./transport.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };

const SYN_OPTIONS: readonly TcpOption[] = [
  { kind: "mss", bytes: 1460 },
  { kind: "sackPermitted" },
  { kind: "timestamps", value: 2508710096, echo: 0 },
  { kind: "nop" },
  { kind: "windowScale", shift: 10 },
];

test("tcpOptionsOf() reads those of a real SYN, and tcpOptions() writes them back", () => {
  expect(tcpOptionsOf(REAL_SYN)).toEqual([...SYN_OPTIONS]);
  expect(tcpOptions(SYN_OPTIONS)).toEqual(REAL_SYN.slice(40, 60));
});

test("tcpOptionsOf() finds none where there is no TCP header", () => {
  expect(tcpOptionsOf(REAL_PING)).toEqual([]);
  expect(tcpOptionsOf(new Uint8Array(3))).toEqual([]);
});

test("readTcpOptions() gives back what tcpOptions() took, and tcpOptionsOf() what tcpPacket() took", () => {
  fc.assert(
    fc.property(anyTcpOptions(), (options) => {
      const octets = tcpOptions(options);
      expect(readTcpOptions(octets)).toEqual([...options]);
      expect(tcpOptionsOf(tcpPacket({ ...ENDS, options: octets }))).toEqual([...options]);
    }),
  );
});

describe("readTcpOptions() stops at", () => {
  test.each<[string, Uint8Array]>([
    ["the end of the list", Uint8Array.of(1, 0, 1, 1)],
    ["a length of 0", Uint8Array.of(1, 2, 0, 5)],
    ["a length of 1", Uint8Array.of(1, 2, 1, 5)],
    ["a length above what is left", Uint8Array.of(1, 2, 4, 5)],
    ["a kind without length", Uint8Array.of(1, 2)],
  ])("%s", (_, octets) => {
    expect(readTcpOptions(octets)).toEqual([{ kind: "nop" }]);
  });
});

test("readTcpOptions() takes a known kind of another length as other", () => {
  expect(readTcpOptions(Uint8Array.of(2, 3, 9))).toEqual([{ kind: "other", number: 2, data: Uint8Array.of(9) }]);
});

test("readTcpOptions() reads any octets to an end", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
      // What was read and is written again is a beginning of what was there.
      const again = tcpOptions(readTcpOptions(octets));
      expect(again).toEqual(octets.slice(0, again.length));
    }),
  );
});

test("tcpOptions() refuses a digest that has not 16 octets", () => {
  expect(() => tcpOptions([{ kind: "md5", digest: new Uint8Array(15) }])).toThrow(
    "md5 digest must have 16 octets, found 15",
  );
});
