import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as ip from "./ip-text.ts";

describe("parseAddress()", () => {
  test.each(["", "192.0.2", "192.0.2.256", "192.0.02.1", "2001:db8::1::2", "fe80::1%lo0", "example.org", "1.2.3.4/24"])(
    "refuses %p",
    (text) => {
      expect(() => ip.parseAddress(text)).toThrow("expected IPv4 or IPv6");
    },
  );

  test("reads a dotted tail", () => {
    expect(ip.parseAddress("::ffff:192.0.2.1").toHex()).toBe("00000000000000000000ffffc0000201");
    expect(ip.parseAddress("64:ff9b::192.0.2.1").toHex()).toBe("0064ff9b0000000000000000c0000201");
  });
});

describe("formatAddress()", () => {
  test.each([
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ])("writes %s as RFC 5952 says: %s", (text, expected) => {
    expect(ip.formatAddress(ip.parseAddress(text))).toBe(expected);
  });

  test("is read back as what it was, for all addresses", () => {
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(octets, (address) => {
        expect(ip.parseAddress(ip.formatAddress(address))).toEqual(new Uint8Array(address));
      }),
    );
  });
});

describe("parsePrefix()", () => {
  test("takes an address alone as a prefix of its whole length", () => {
    expect(ip.parsePrefix("192.0.2.1").prefixLength).toBe(32);
    expect(ip.parsePrefix("::1").prefixLength).toBe(128);
  });

  test.each(["192.0.2.1/33", "192.0.2.1/-1", "192.0.2.1/08", "::/129", "::/", "192.0.2.1/24/24"])(
    "refuses %s",
    (text) => {
      expect(() => ip.parsePrefix(text)).toThrow("prefix length: expected 0 to");
    },
  );
});

describe("masks", () => {
  test("prefixLengthOf() undoes maskOf(), for every length of both families", () => {
    for (const bytes of [4, 16]) {
      for (let length = 0; length <= bytes * 8; length++) {
        expect(ip.prefixLengthOf(ip.maskOf(length, bytes))).toBe(length);
      }
    }
  });

  test("networkOf() and broadcastOf() are the ends of a prefix", () => {
    const prefix = ip.parsePrefix("192.0.2.77/26");
    expect(ip.formatAddress(ip.networkOf(prefix))).toBe("192.0.2.64");
    expect(ip.formatAddress(ip.broadcastOf(prefix))).toBe("192.0.2.127");
  });

  test("nextOf() carries", () => {
    expect(ip.formatAddress(ip.nextOf(ip.parseAddress("2001:db8::ffff")))).toBe("2001:db8::1:0");
    expect(ip.formatAddress(ip.nextOf(ip.parseAddress("255.255.255.255")))).toBe("0.0.0.0");
  });
});
