import { describe, expect, test } from "bun:test";
import { tcpPacket } from "@bunnel/wire";
import { flowKey } from "./flow-key.ts";

const ENDS = {
  4: ["192.0.2.7", "203.0.113.9", "203.0.113.10"],
  6: ["2001:db8:1::7", "2001:db8:2::9", "2001:db8:2::a"],
} as const;

describe.each([4, 6] as const)("flowKey() in IPv%d", (family) => {
  const [one, other, third] = ENDS[family];
  const key = (source: string, destination: string, near: number, far: number, turned = false) => {
    return flowKey(tcpPacket({ source, destination, sourcePort: 1, destinationPort: 2 }), family, near, far, turned);
  };

  test("is equal for equal addresses and ports, from either side", () => {
    const there = key(one, other, 40000, 443);
    expect(key(one, other, 40000, 443)).toBe(there);
    expect(key(other, one, 40000, 443, true)).toBe(there);
  });

  test("differs where an address or a port does, whichever came before", () => {
    const ends: readonly (readonly [string, string, number, number])[] = [
      [one, other, 40000, 443],
      [one, third, 40000, 443],
      [third, other, 40000, 443],
      [one, other, 40001, 443],
      [one, other, 40000, 80],
      [other, one, 443, 40000],
      [other, one, 40000, 443],
    ];
    const made = [...ends, ...ends.toReversed()].map((each) => key(...each));
    expect(new Set(made).size).toBe(ends.length);
    expect(made.slice(0, ends.length)).toEqual(made.slice(ends.length).toReversed());
  });
});
