import { describe, expect, test } from "bun:test";
import { quicInitial, quicOpaquePacket } from "@bunnel/wire";
import { readLongPacket } from "./long-packet.ts";

const ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const OPAQUE = quicOpaquePacket("handshake", { destinationId: ID, sourceId: ID }, new Uint8Array(30));

function changed(octets: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(octets);
  copy.set(values, at);
  return copy;
}

describe("readLongPacket()", () => {
  test.each([1, 2] as const)("reads the places of an Initial of version %i behind other octets", (version) => {
    const token = new Uint8Array(70);
    const initial = quicInitial({ version, destinationId: ID, sourceId: ID.subarray(0, 3), token });
    const packet = readLongPacket(Uint8Array.from([9, 9, ...initial, 0]), 2);
    expect(packet).toMatchObject({ isInitial: true, destinationId: ID, start: 2, end: 2 + initial.length });
    // First octet and version 5, ids 1 + 8 and 1 + 3, token 2 + 70, length 2.
    expect(packet?.numberAt).toBe(2 + 5 + 9 + 4 + 72 + 2);
  });

  test.each([1, 2] as const)("reads packets of other kinds of version %i, but for a Retry", (version) => {
    for (const kind of ["zeroRtt", "handshake"] as const) {
      const octets = quicOpaquePacket(kind, { version, destinationId: ID }, new Uint8Array(30));
      expect(readLongPacket(octets, 0)).toMatchObject({ isInitial: false, end: octets.length });
    }
    const retry = changed(quicOpaquePacket("handshake", { version }, ID), 0, version === 1 ? 0xf0 : 0xc0);
    expect(readLongPacket(retry, 0)).toBeUndefined();
  });

  test.each([
    ["a short header", changed(OPAQUE, 0, 0x60)],
    ["a cleared fixed bit", changed(OPAQUE, 0, 0xa0)],
    ["another version", changed(OPAQUE, 1, 0xff, 0, 0, 29)],
    ["version negotiation", changed(OPAQUE, 1, 0, 0, 0, 0)],
    ["a length past the end", changed(OPAQUE, OPAQUE.length - 31, 31)],
  ])("refuses %s", (_, octets) => {
    expect(readLongPacket(octets, 0)).toBeUndefined();
  });

  test("takes ids of 20 octets and refuses those of 21", () => {
    const packet = (bytes: number): Uint8Array => {
      return Uint8Array.from([0xe0, 0, 0, 0, 1, bytes, ...new Uint8Array(bytes), 0, 1, 0]);
    };
    expect(readLongPacket(packet(20), 0)?.destinationId.length).toBe(20);
    expect(readLongPacket(packet(21), 0)).toBeUndefined();
  });

  test("refuses every cut", () => {
    for (let bytes = 0; bytes < OPAQUE.length; bytes++) {
      expect(readLongPacket(OPAQUE.subarray(0, bytes), 0)).toBeUndefined();
    }
    expect(readLongPacket(OPAQUE, 0)?.end).toBe(OPAQUE.length);
  });
});
