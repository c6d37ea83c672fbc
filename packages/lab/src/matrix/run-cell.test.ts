import { describe, expect, test } from "bun:test";
import { decodePacket, tcpPacket } from "@bunnel/wire";
import { makeCensor } from "../censors/gallery.ts";
import type { Transform } from "../link/gateway.ts";
import { CELL_HOST, runCell } from "./run-cell.ts";
import type { CellOptions, CellResult } from "./run-cell.ts";

const none: Transform = (packet) => [packet];

function cell(transform: Transform, options: Partial<CellOptions> = {}): CellResult {
  const censor = makeCensor("full-first", { blocked: ["blocked.example.org"] });
  return runCell({ transform, censor, message: "http", ...options });
}

/** Replaces the payload of segments that have one. */
function withPayload(change: (payload: Uint8Array) => Uint8Array): Transform {
  return (packet) => {
    const { payload, source, destination, sourcePort, destinationPort, seq, ack } = decodePacket(packet);
    if (payload.length === 0) return [packet];
    return [tcpPacket({ source, destination, sourcePort, destinationPort, seq, ack, payload: change(payload) })];
  };
}

describe("runCell()", () => {
  test("served: the endpoint read the message and the client got its answer", () => {
    expect(cell(none)).toMatchObject({ outcome: "served", host: CELL_HOST, matched: undefined });
    expect(cell(none, { timestamps: false }).outcome).toBe("served");
  });

  test("blocked and reset: the censor found the name", () => {
    expect(cell(none, { host: "blocked.example.org" })).toMatchObject({
      outcome: "blocked",
      host: undefined,
      matched: "blocked.example.org",
    });
    const censor = makeCensor("packet", { blocked: [CELL_HOST], reaction: "rst" });
    expect(cell(none, { censor })).toMatchObject({ outcome: "reset", matched: CELL_HOST });
  });

  test("a QUIC hello is read however it is spread, by the server and by a box that opens one datagram", () => {
    const quic = { message: "quic", transform: none } as const;
    const blocked = (spread?: CellOptions["spread"]) => {
      const censor = makeCensor("gfw-quic", { blocked: [CELL_HOST] });
      return runCell({ ...quic, censor, ...(spread && { spread }) }).outcome;
    };
    for (const spread of ["two-datagrams", "mixed"] as const) {
      expect(runCell({ ...quic, spread })).toMatchObject({ outcome: "served", host: CELL_HOST });
    }
    // The name lies in the first of two datagrams; frames of the client's own order are no hello to that box.
    expect([blocked(), blocked("two-datagrams"), blocked("mixed")]).toEqual(["blocked", "blocked", "served"]);
  });

  test("broken: the endpoint read another name", () => {
    const swap = withPayload((payload) => Uint8Array.from(payload, (octet) => (octet === 0x76 ? 0x77 : octet)));
    expect(cell(swap)).toMatchObject({ outcome: "broken", host: "wideo.example.org" });
  });

  test("broken: the endpoint read octets that were never sent, or the message did not arrive", () => {
    expect(cell(withPayload((payload) => new Uint8Array([...payload, 65])))).toMatchObject({ outcome: "broken" });
    expect(cell(withPayload((payload) => payload.subarray(0, -1))).outcome).toBe("broken");
    expect(cell(() => []).outcome).toBe("broken");
    expect(cell(none, { link: { mtuBytes: 60 } }).outcome).toBe("broken");
  });

  test("broken: a RST that no censor made", () => {
    const resets: Transform = (packet) => {
      const { payloadBytes, source, destination, sourcePort, destinationPort, seq } = decodePacket(packet);
      if (payloadBytes === 0) return [packet];
      return [tcpPacket({ source, destination, sourcePort, destinationPort, seq, flags: "R" }), packet];
    };
    expect(cell(resets)).toMatchObject({ outcome: "broken", matched: undefined });
  });

  test("takes choices for hello and request", () => {
    const big = cell(none, { message: "tls", hello: { padToBytes: 3400 } });
    expect(big.outcome).toBe("served");
    const payloads = big.events
      .filter(({ fate, direction }) => fate === "sent" && direction === "outbound")
      .map(({ packet }) => decodePacket(packet).payloadBytes);
    expect(payloads.reduce((sum, bytes) => sum + bytes, 0)).toBe(3400);
    expect(payloads.filter((bytes) => bytes > 0)).toHaveLength(3);
    expect(cell(none, { request: { path: "/a", headers: [["Accept", "*/*"]] }, family: 6 }).outcome).toBe("served");
  });

  test("the seed decides numbers and port", () => {
    const port = (seed: number): number =>
      decodePacket(cell(none, { seed }).events[0]?.packet ?? new Uint8Array(0)).sourcePort;
    expect(port(1)).toBe(port(1));
    expect(new Set([1, 2, 3, 4].map(port)).size).toBe(4);
  });
});
