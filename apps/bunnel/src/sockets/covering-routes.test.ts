import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatAddress } from "@bunnel/wire";
import { coveringRoutes, LEFT_ALONE, readRange } from "./covering-routes.ts";

describe("coveringRoutes()", () => {
  test("covers both halves of IPv4 where nothing is left alone", () => {
    expect(coveringRoutes(4, [])).toEqual(["0.0.0.0/1", "128.0.0.0/1"]);
    expect(coveringRoutes(6, ["203.0.113.0/24"])).toEqual(["2000::/3", "64:ff9b::/96"]);
  });

  test("cuts around what is left alone, and no finer than that needs", () => {
    expect(coveringRoutes(4, ["0.0.0.0/1", "192.0.0.0/2", "160.0.0.0/3"])).toEqual(["128.0.0.0/3"]);
    expect(coveringRoutes(6, ["2000::/4", "64:ff9b::/96"])).toEqual(["3000::/4"]);
  });

  test("leaves private, loopback, link-local and multicast destinations alone by default, in few routes", () => {
    const routes = coveringRoutes(4, LEFT_ALONE);
    expect(routes.length).toBeLessThan(64);
    const isCovered = (address: string): boolean => routes.some((route) => holds(route, address));
    for (const address of ["10.1.2.3", "127.0.0.1", "169.254.1.1", "172.31.0.1", "192.168.1.1", "224.0.0.251"]) {
      expect([address, isCovered(address)]).toEqual([address, false]);
    }
    for (const address of ["203.0.113.9", "192.0.2.1", "172.32.0.1", "11.0.0.1", "223.255.255.255"]) {
      expect([address, isCovered(address)]).toEqual([address, true]);
    }
  });

  test("an address is covered if and only if nobody leaves it alone", () => {
    const number = fc.integer({ min: 0, max: 0xffff_ffff });
    const prefix = fc.record({ number, length: fc.integer({ min: 0, max: 32 }) });
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 8 }), number, (prefixes, asked) => {
        const leftAlone = prefixes.map((each) => `${textOf(each.number)}/${each.length}`);
        const address = textOf(asked);
        const isCovered = coveringRoutes(4, leftAlone).some((route) => holds(route, address));
        expect(isCovered).toBe(!leftAlone.some((each) => holds(each, address)));
      }),
    );
  });
});

test("readRange() reads prefixes, ranges and single addresses", () => {
  expect(readRange("203.0.113.7/24")).toEqual({ family: 4, first: 0xcb00_7100n, last: 0xcb00_71ffn });
  expect(readRange("192.0.2.1-192.0.2.9")).toEqual({ family: 4, first: 0xc000_0201n, last: 0xc000_0209n });
  expect(readRange("2001:db8::1").first).toBe(readRange("2001:db8::1/128").last);
});

function holds(route: string, address: string): boolean {
  const { first, last } = readRange(route);
  const asked = readRange(address).first;
  return asked >= first && asked <= last;
}

function textOf(number: number): string {
  return formatAddress(Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number));
}
