import { describe, expect, test } from "bun:test";
import { CLIENT_DESTINATION_ID } from "../test/quic-vectors.ts";
import { openPacket, protectPacket, quicInitialKeys, type QuicSide, type QuicVersion } from "./quic-keys.ts";

const KEYS = quicInitialKeys(1, CLIENT_DESTINATION_ID);
const HEADER = Uint8Array.of(0xc0, 1, 2, 3);

describe("quicInitialKeys()", () => {
  // RFC 9001 appendix A.1, RFC 9369 appendix A.1.
  test.each<[QuicVersion, QuicSide, string, string, string]>([
    [1, "client", "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"],
    [1, "server", "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"],
    [2, "client", "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"],
    [2, "server", "82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a"],
  ])("has the keys of version %i, %s, as the RFC lists them", (version, from, key, iv, hp) => {
    const keys = quicInitialKeys(version, CLIENT_DESTINATION_ID, from);
    expect([keys.key, keys.iv, keys.hp].map((octets) => octets.toHex())).toEqual([key, iv, hp]);
  });

  test("takes an empty id", () => {
    expect(quicInitialKeys(1, new Uint8Array(0)).key.length).toBe(16);
  });
});

describe("openPacket()", () => {
  const protect = (packetNumber: number, low: readonly number[]): Uint8Array => {
    const header = Uint8Array.of(...HEADER, ...low);
    header[0] = 0xc0 | (low.length - 1);
    return protectPacket(KEYS, header, low.length, packetNumber, new Uint8Array(8).fill(7));
  };

  test("finds the whole number from its low octets and the largest before it", () => {
    // The example of RFC 9000 appendix A.3, and both edges of a window.
    const rfc = protect(0xa82f9b32, [0x9b, 0x32]);
    expect(openPacket(KEYS, rfc, HEADER.length, 0xa82f30ea)?.packetNumber).toBe(0xa82f9b32);
    expect(openPacket(KEYS, protect(256, [0]), HEADER.length, 255)?.packetNumber).toBe(256);
    expect(openPacket(KEYS, protect(255, [255]), HEADER.length, 256)?.packetNumber).toBe(255);
    expect(openPacket(KEYS, protect(3, [3]), HEADER.length, -1)?.packetNumber).toBe(3);
    expect(openPacket(KEYS, protect(2 ** 40 + 5, [0, 0, 0, 5]), HEADER.length, 2 ** 40)?.packetNumber).toBe(
      2 ** 40 + 5,
    );
  });

  test("refuses every change, every wrong number and every wrong key", () => {
    const packet = protect(9, [9]);
    expect(openPacket(KEYS, packet, HEADER.length, -1)?.payload).toEqual(new Uint8Array(8).fill(7));
    for (let at = 0; at < packet.length; at += 1) {
      const changed = packet.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(openPacket(KEYS, changed, HEADER.length, -1)).toBeUndefined();
    }
    expect(openPacket(KEYS, packet, HEADER.length, 256)).toBeUndefined();
    expect(openPacket(KEYS, packet, HEADER.length, Number.MAX_SAFE_INTEGER)).toBeUndefined();
    expect(openPacket(quicInitialKeys(1, HEADER), packet, HEADER.length, -1)).toBeUndefined();
  });

  test("refuses a packet without room for the sample", () => {
    const packet = protect(9, [9]);
    for (let bytes = 0; bytes < packet.length; bytes += 1) {
      expect(openPacket(KEYS, packet.slice(0, bytes), HEADER.length, -1)).toBeUndefined();
    }
  });
});
