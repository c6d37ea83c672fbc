import { describe, expect, test } from "bun:test";
import { quicFrames, quicNumber, readQuicFrames, type QuicFrame } from "@bunnel/wire";
import fc from "fast-check";
import { gatherCrypto } from "./gather-crypto.ts";
import { HelloStream } from "./hello-stream.ts";

function gathered(payload: Uint8Array): { readonly count: number; readonly octets: string } {
  const stream = new HelloStream(300);
  const count = gatherCrypto(payload, stream);
  let octets = "";
  for (let at = 0; at < 300; at++) octets += stream.has(at, 1) ? stream.text(at, 1) : "";
  return { count, octets };
}

const HI: QuicFrame = { kind: "crypto", offset: 3, octets: new TextEncoder().encode("hi") };

describe("gatherCrypto()", () => {
  test.each<[string, QuicFrame]>([
    ["PADDING", { kind: "padding", bytes: 3 }],
    ["PING", { kind: "ping" }],
    [
      "ACK",
      {
        kind: "ack",
        largest: 70,
        delay: 1,
        first: 2,
        ranges: [
          [6, 6],
          [6, 500],
        ],
      },
    ],
    ["ACK with ECN", { kind: "ack", largest: 6, delay: 6, first: 6, ranges: [[6, 6]], ecn: [6, 6, 70000] }],
    ["CONNECTION_CLOSE", { kind: "close", error: 300, frameType: 6, reason: "over" }],
    ["CRYPTO without octets", { kind: "crypto", offset: 2 ** 40, octets: new Uint8Array(0) }],
  ])("reads on behind %s", (_, frame) => {
    expect(gathered(quicFrames([frame, HI]))).toEqual({ count: 2, octets: "hi" });
  });

  test.each([
    ["STREAM", [0x08]],
    ["an application's close", [0x1d, 0, 0]],
    ["a type in two octets", [0x40, 0x01]],
    ["ACK with more ranges than octets", [0x02, 0, 0, ...quicNumber(2 ** 50), 0]],
  ])("ends at %s and keeps what came before", (_, octets) => {
    const hi = quicFrames([HI]);
    expect(gathered(Uint8Array.from([...hi, ...octets, ...hi]))).toEqual({ count: 2, octets: "hi" });
  });

  test.each<[string, QuicFrame]>([
    ["CRYPTO", { kind: "crypto", offset: 70000, octets: new Uint8Array(70) }],
    ["ACK", { kind: "ack", largest: 70, delay: 1, first: 2, ranges: [[6, 6]], ecn: [1, 2, 3] }],
    ["CONNECTION_CLOSE", { kind: "close", error: 300, frameType: 6, reason: "over" }],
  ])("ends at %s cut short anywhere", (_, frame) => {
    const hi = quicFrames([HI]);
    const octets = quicFrames([frame]);
    for (let bytes = 0; bytes < octets.length; bytes++) {
      const payload = Uint8Array.from([...hi, ...octets.subarray(0, bytes)]);
      expect(gathered(payload)).toEqual({ count: 2, octets: "hi" });
    }
  });

  test("gathers from any octets what the codec reads", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60, max: 8 }), fc.uint8Array({ maxLength: 300 }), (head, tail) => {
        const payload = Uint8Array.from([...head, ...tail]);
        const crypto = readQuicFrames(payload).frames.filter((frame) => frame.kind === "crypto");
        expect(gathered(payload).count).toBe(crypto.reduce((sum, { octets }) => sum + octets.length, 0));
      }),
      { numRuns: 2000 },
    );
  });
});
