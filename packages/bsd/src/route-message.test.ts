import { describe, expect, test } from "bun:test";
import * as ioc from "./ioc.ts";
import { parseAddress } from "./ip-text.ts";
import { eventOf, routeOf } from "./network-info.ts";
import * as rtm from "./route-message.ts";
import { inetAddress, linkAddress, readSocketAddress } from "./socket-address.ts";
import type { BsdSystem } from "./system.ts";

/** A system that has nothing to do with any other, so that no number is right by accident. */
const SYSTEM: BsdSystem = {
  platform: "test",
  libraries: [],
  errnoLocation: "__error",
  conventions: {},
  AF_INET6: 99,
  AF_LINK: 77,
  AF_ROUTE: 55,
  O_NONBLOCK: 4,
  O_CLOEXEC: 8,
  EOPNOTSUPP: 45,
  NET_RT_IFLIST: 3,
  requests: {} as BsdSystem["requests"],
  layout: { requestBytes: 32, aliasBytes: 64, alias6Bytes: 128, request6Bytes: 288 },
  route: {
    version: 42,
    bytes: 64,
    headerBytesAt: 4,
    indexAt: 6,
    flagsAt: 8,
    addressesAt: 12,
    pidAt: 16,
    sequenceAt: 20,
    errnoAt: 24,
    inits: { at: 32, bytes: 8 },
    mtu: { at: 40, bytes: 4 },
    align: 8,
    linkAddressBytes: 20,
  },
  link: {
    type: 0xe,
    bytes: 64,
    flagsAt: 8,
    indexAt: 6,
    addressesAt: 12,
    mtuAt: 16,
    receivedPackets: { at: 24, bytes: 8 },
    sentPackets: { at: 32, bytes: 8 },
    receivedBytes: { at: 40, bytes: 8 },
    sentBytes: { at: 48, bytes: 8 },
    announce: { type: 0x11, indexAt: 6, whatAt: 8 },
  },
  address: { bytes: 20, indexAt: 6, addressesAt: 12 },
};

const ROUTE = {
  type: rtm.RTM_ADD,
  flags: rtm.RTF_UP | rtm.RTF_GATEWAY,
  sequence: 7,
  index: 3,
  mtuBytes: 1280,
  addresses: [
    [rtm.RTA_DST, inetAddress(SYSTEM, parseAddress("2001:db8::"))],
    [rtm.RTA_GATEWAY, inetAddress(SYSTEM, parseAddress("fe80::1"))],
    [rtm.RTA_NETMASK, inetAddress(SYSTEM, parseAddress("ffff:ffff::"))],
  ],
} as const;

describe("encodeRoute()", () => {
  test("is read back as what it was, addresses padded to the system's own unit", () => {
    const octets = rtm.encodeRoute(SYSTEM, ROUTE);
    expect(octets.length).toBe(64 + 3 * 32);
    const [message] = rtm.splitMessages(SYSTEM, octets);
    const read = message && rtm.readRoute(SYSTEM, message);
    expect(read).toMatchObject({ type: 1, flags: 3, sequence: 7, index: 3, mtuBytes: 1280, errno: 0 });
    expect(read && routeOf(SYSTEM, read)).toEqual({
      family: 6,
      destination: "2001:db8::/32",
      gateway: "fe80::1",
      index: 3,
      flags: 3,
      mtuBytes: 1280,
    });
  });

  test("wants addresses in the order in which they are told", () => {
    const addresses = ROUTE.addresses.toReversed();
    expect(() => rtm.encodeRoute(SYSTEM, { ...ROUTE, addresses })).toThrow("rising order");
  });
});

describe("splitMessages()", () => {
  test("gives the messages of a buffer in order, and passes over those of another version", () => {
    const ours = rtm.encodeRoute(SYSTEM, ROUTE);
    const other = ours.slice();
    other[2] = 41;
    const buffer = Uint8Array.of(...other, ...ours, ...ours);
    expect(rtm.splitMessages(SYSTEM, buffer).map(({ octets }) => octets.length)).toEqual([ours.length, ours.length]);
  });

  test("refuses a buffer that ends inside a message, or has none of its length", () => {
    const octets = rtm.encodeRoute(SYSTEM, ROUTE);
    expect(() => rtm.splitMessages(SYSTEM, octets.subarray(0, 100))).toThrow("expected its octets in the buffer");
    expect(() => rtm.splitMessages(SYSTEM, new Uint8Array(8))).toThrow("expected its octets in the buffer");
  });
});

describe("eventOf()", () => {
  test("an address of no octets takes one unit; a mask may be cut short and without a family", () => {
    const [message] = rtm.splitMessages(SYSTEM, rtm.encodeRoute(SYSTEM, { ...ROUTE, addresses: [] }));
    const whole = new Uint8Array(64 + 16 + 8 + 8);
    whole.set(message?.octets ?? []);
    const view = new DataView(whole.buffer);
    view.setUint16(0, whole.length, true);
    view.setInt32(12, rtm.RTA_DST | rtm.RTA_GATEWAY | rtm.RTA_NETMASK, true);
    whole.set(inetAddress(SYSTEM, parseAddress("192.0.2.0")), 64);
    // The gateway has no octets; of the mask three octets of the address are left.
    whole.set([7, 0xff, 0, 0, 0xff, 0xff, 0xff], 64 + 16 + 8);
    const [again] = rtm.splitMessages(SYSTEM, whole);
    expect(again && eventOf(SYSTEM, again)).toMatchObject({ type: "route", route: { destination: "192.0.2.0/24" } });
  });

  test("of announcements: an interface came or went", () => {
    const octets = new Uint8Array(24);
    const view = new DataView(octets.buffer);
    view.setUint16(6, 9, true);
    view.setUint16(8, 1, true);
    expect(eventOf(SYSTEM, { type: 0x11, octets })).toEqual({ type: "link", change: "removed", index: 9 });
    view.setUint16(8, 0, true);
    expect(eventOf(SYSTEM, { type: 0x11, octets })).toEqual({ type: "link", change: "changed", index: 9 });
  });

  test("nothing for a message that is too short, of another kind, or of a request that failed", () => {
    expect(eventOf(SYSTEM, { type: 0xe, octets: new Uint8Array(10) })).toBeUndefined();
    expect(eventOf(SYSTEM, { type: rtm.RTM_NEWADDR, octets: new Uint8Array(10) })).toBeUndefined();
    expect(eventOf(SYSTEM, { type: 0x7f, octets: new Uint8Array(64) })).toBeUndefined();
    const octets = rtm.encodeRoute(SYSTEM, ROUTE);
    new DataView(octets.buffer).setInt32(24, 17, true);
    expect(eventOf(SYSTEM, { type: rtm.RTM_ADD, octets })).toBeUndefined();
  });
});

describe("readSocketAddress()", () => {
  test("takes the interface's index out of link-local addresses", () => {
    const octets = inetAddress(SYSTEM, parseAddress("fe80:4::1"));
    expect(readSocketAddress(SYSTEM, octets)).toEqual({ kind: "ip", octets: parseAddress("fe80::1") });
  });

  test("reads index, name and hardware address of a link", () => {
    const octets = new Uint8Array(20);
    octets.set(linkAddress(SYSTEM, 5));
    octets.set([4, 6], 5);
    octets.set([...new TextEncoder().encode("tap3"), 2, 0, 0, 0, 0, 7], 8);
    const found = { kind: "link", index: 5, name: "tap3", mac: Uint8Array.of(2, 0, 0, 0, 0, 7) } as const;
    expect(readSocketAddress(SYSTEM, octets)).toEqual(found);
    expect(readSocketAddress(SYSTEM, Uint8Array.of(2, 1)).kind).toBe("other");
  });
});

describe("ioctl codes", () => {
  test("have direction, size, group and number in their places", () => {
    expect([ioc.io("B", 105), ioc.ior("B", 102, 4), ioc.iow("i", 16, 32), ioc.iowr("N", 3, 100)]).toEqual([
      0x2000_4269, 0x4004_4266, 0x8020_6910, 0xc064_4e03,
    ]);
    expect(() => ioc.iow("i", 1, 0x2000)).toThrow("at most 8191 octets");
  });
});
