import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { anyWholePacket } from "./arbitrary.ts";
import { verifyChecksums } from "./checksum.ts";
import { decodePacket } from "./decode.ts";
import { fragmentsOf } from "./fragment.ts";
import { concat, octetAt } from "./octets.ts";
import { udpPacket } from "./transport.ts";

const PORTS = { sourcePort: 5000, destinationPort: 53 };
const OVER4 = { source: "192.0.2.7", destination: "203.0.113.9", ...PORTS };
const OVER6 = { source: "2001:db8::7", destination: "2001:db8::9", ...PORTS };
const PAYLOAD = Uint8Array.from({ length: 56 }, (_, index) => index);

test("fragmentsOf() cuts IPv4 at the sizes and leaves the rest to one more", () => {
  const packet = udpPacket({ ...OVER4, payload: PAYLOAD, id: 77 });
  const fragments = fragmentsOf(packet, [16, 24]).map((fragment) => decodePacket(fragment));
  const places = fragments.map(({ fragmentOffset, moreFragments, totalBytes, id }) => [
    fragmentOffset,
    moreFragments,
    totalBytes,
    id,
  ]);
  expect(places).toEqual([
    [0, true, 36, 77],
    [2, true, 44, 77],
    [5, false, 44, 77],
  ]);
});

test("fragmentsOf() puts the IPv6 fragment header behind the headers that every hop reads", () => {
  const hop = { protocol: 0, data: new Uint8Array(6) };
  const options = { protocol: 60, data: new Uint8Array(6) };
  const routing = { protocol: 43, data: new Uint8Array(6) };
  const before = (extensionHeaders: { protocol: number; data: Uint8Array }[]): number => {
    const [, later] = fragmentsOf(udpPacket({ ...OVER6, payload: PAYLOAD, extensionHeaders }), [8]);
    return decodePacket(later ?? new Uint8Array(0)).l4Offset - 48;
  };
  expect([before([]), before([options]), before([hop]), before([hop, options])]).toEqual([0, 0, 8, 8]);
  expect([before([hop, options, routing]), before([routing, options])]).toEqual([24, 8]);
});

test("fragmentsOf() keeps in later IPv4 fragments only the options marked as copied", () => {
  // Record route (7) is not copied, router alert (148) is: RFC 791 section 3.1, RFC 2113.
  const ipOptions = Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 1, 148, 4, 0, 0);
  const [first, later] = fragmentsOf(udpPacket({ ...OVER4, payload: PAYLOAD, ipOptions }), [16]);
  expect(first?.slice(20, 32)).toEqual(ipOptions);
  expect([later?.[0], later?.slice(20, 24)]).toEqual([0x46, Uint8Array.of(148, 4, 0, 0)]);
});

test("fragmentsOf() without sizes makes an atomic fragment of IPv6 and nothing new of IPv4", () => {
  const packet = udpPacket({ ...OVER4, payload: PAYLOAD });
  expect(fragmentsOf(packet, [])).toEqual([packet]);
  const [atomic, ...others] = fragmentsOf(udpPacket({ ...OVER6, payload: PAYLOAD }), []);
  expect(others).toEqual([]);
  expect(decodePacket(atomic ?? packet)).toMatchObject({
    fragment: true,
    fragmentOffset: 0,
    moreFragments: false,
    payload: PAYLOAD,
  });
});

test("fragmentsOf() cuts a fragment of IPv4 again", () => {
  const packet = udpPacket({ ...OVER4, payload: PAYLOAD });
  const [first, second] = fragmentsOf(packet, [32]);
  const again = [...fragmentsOf(first ?? packet, [8]), ...fragmentsOf(second ?? packet, [16])];
  expect(again.map((fragment) => decodePacket(fragment).fragmentOffset)).toEqual([0, 1, 4, 6]);
  expect(again.map((fragment) => decodePacket(fragment).moreFragments)).toEqual([true, true, true, false]);
});

describe("fragmentsOf() refuses", () => {
  const packet = udpPacket({ ...OVER6, payload: PAYLOAD });
  test.each<[string, () => unknown]>([
    ["fragment size must be a multiple of 8 above 0, found 12", () => fragmentsOf(packet, [12])],
    ["fragment size must be a multiple of 8 above 0, found 0", () => fragmentsOf(packet, [0])],
    ["fragment size must be a whole number of 0 to 56, found 64", () => fragmentsOf(packet, [8, 64])],
    ["found a fragment", () => fragmentsOf(fragmentsOf(packet, [8])[0] ?? packet, [8])],
    ["found a malformed one", () => fragmentsOf(packet.slice(1), [8])],
  ])("%s", (message, cut) => {
    expect(cut).toThrow(message);
  });
});

/** Octets before the part that is cut, the fragment header among them. */
function headBytes(fragment: Uint8Array): number {
  if (octetAt(fragment, 0) >> 4 === 4) return (octetAt(fragment, 0) & 15) * 4;
  let at = 40;
  let header = octetAt(fragment, 6);
  while (header !== 44) {
    header = octetAt(fragment, at);
    at += (octetAt(fragment, at + 1) + 1) * 8;
  }
  return at + 8;
}

/** Sizes in units of eight as many as fit, the first with all extension headers in it besides (RFC 7112). */
function fittingSizes(eights: readonly number[], packet: Uint8Array): number[] {
  const { family, l4Offset, totalBytes } = decodePacket(packet);
  const extensionBytes = family === 6 ? l4Offset - 40 : 0;
  const sizes: number[] = [];
  let left = totalBytes - l4Offset - extensionBytes;
  for (const count of eights) {
    if (count * 8 > left) break;
    sizes.push(count * 8 + (sizes.length === 0 ? extensionBytes : 0));
    left -= count * 8;
  }
  return sizes;
}

test("fragments put together are what was cut, each with a right header", () => {
  const eightsOf = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 5 });
  fc.assert(
    fc.property(anyWholePacket(), eightsOf, (packet, eights) => {
      const { family, l4Offset, totalBytes, protocol } = decodePacket(packet);
      const sizes = fittingSizes(eights, packet);
      const fragments = fragmentsOf(packet, sizes, 99);
      const pieces = fragments.map((fragment) => fragment.slice(headBytes(fragment)));
      const whole = concat(...pieces);
      expect(whole).toEqual(packet.slice(packet.length - whole.length));
      expect(whole.length).toBeGreaterThanOrEqual(totalBytes - l4Offset);
      let at = 0;
      for (const [index, fragment] of fragments.entries()) {
        const read = decodePacket(fragment);
        expect(read.totalBytes).toBe(fragment.length);
        expect(read).toMatchObject({ fragmentOffset: at / 8, moreFragments: index < fragments.length - 1 });
        expect(verifyChecksums(fragment).ip).toBe(family === 4 ? true : undefined);
        at += pieces[index]?.length ?? 0;
      }
      // The headers before the cut are those of the packet; behind it the first fragment shows the transport again.
      expect(decodePacket(fragments[0] ?? packet).protocol).toBe(protocol);
    }),
  );
});
