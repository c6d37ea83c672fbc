import { describe, expect, test } from "bun:test";
import { fragmentsOf, udpPacket } from "@bunnel/wire";
import fc from "fast-check";
import { readClientPacket, type ClientPacket } from "./client-packet.ts";
import { Reassembly } from "./reassembly.ts";

const ENDS4 = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 4000, destinationPort: 7000 };
const ENDS6 = { ...ENDS4, source: "2001:db8::7", destination: "2001:db8:1::9" };

function read(packet: Uint8Array): ClientPacket {
  const found = readClientPacket(packet);
  if (found === undefined) throw new Error("expected a packet, found none");
  return found;
}

function octets(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => i * 7);
}

describe("Reassembly.add()", () => {
  test("makes a datagram whole from fragments in any order, of both families", () => {
    const anyCase = fc.record({
      isIpv6: fc.boolean(),
      bytes: fc.integer({ min: 1500, max: 9000 }),
      order: fc.array(fc.nat(100), { minLength: 8, maxLength: 8 }),
    });
    fc.assert(
      fc.property(anyCase, ({ isIpv6, bytes, order }) => {
        const whole = udpPacket({ ...(isIpv6 ? ENDS6 : ENDS4), payload: octets(bytes), dontFragment: false });
        const pieces = fragmentsOf(
          whole,
          Array.from({ length: Math.floor(bytes / 1400) }, () => 1400),
        )
          .map((packet, i) => ({ packet, at: order[i % 8] ?? 0 }))
          .toSorted((a, b) => a.at - b.at);
        const fragments = new Reassembly();
        const made = pieces.map(({ packet }) => fragments.add(read(packet), 0));
        expect(made.slice(0, -1)).toEqual(made.slice(0, -1).fill(undefined));
        expect(made.at(-1)).toMatchObject({ body: read(whole).body, fragment: undefined, dontFragment: false });
      }),
    );
  });

  test("gives up what overlaps, what is too late, and the oldest of too many", () => {
    const fragments = new Reassembly();
    const firstOf = (id: number) =>
      read(fragmentsOf(udpPacket({ ...ENDS4, id, payload: octets(3000) }), [1400])[0] ?? octets(0));
    fragments.add(firstOf(1), 0);
    expect(fragments.add(firstOf(1), 0)).toBeUndefined();
    expect(fragments.givenUp).toBe(1);
    fragments.add(firstOf(2), 0);
    fragments.add(firstOf(3), 30_000);
    expect(fragments.givenUp).toBe(2);
    for (let id = 4; id < 4 + 64; id++) fragments.add(firstOf(id), 30_000);
    expect(fragments.givenUp).toBe(3);
  });
});

test("readClientPacket() refuses what is cut off", () => {
  for (const ends of [ENDS4, ENDS6]) {
    const packet = udpPacket({ ...ends, payload: octets(20) });
    for (let bytes = 0; bytes < packet.length; bytes++) {
      expect(readClientPacket(packet.subarray(0, bytes))).toBeUndefined();
    }
  }
});

test("readClientPacket() reads what the next hop looks at", () => {
  const fields = { hopLimit: 3, tos: 0xb9, payload: octets(1) };
  expect(read(udpPacket({ ...ENDS4, ...fields, dontFragment: false }))).toMatchObject({
    ...{ family: 4, protocol: 17, source: "192.0.2.7", destination: "203.0.113.9" },
    ...{ hops: 3, tos: 0xb9, dontFragment: false, fragment: undefined },
  });
  expect(read(udpPacket({ ...ENDS6, ...fields }))).toMatchObject({ family: 6, hops: 3, tos: 0xb9, dontFragment: true });
});
