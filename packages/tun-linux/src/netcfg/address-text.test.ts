import { describe, expect, test } from "bun:test";
import { isIP } from "node:net";
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from "./address-text.ts";

describe("parseAddress()", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["fe80::", "fe80::"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"],
  ])("reads %s, formatAddress() writes %s (RFC 5952)", (text, canonical) => {
    const { family, octets } = parseAddress(text);
    expect(formatAddress(octets)).toBe(canonical);
    expect(family).toBe(isIP(text) as 4 | 6);
  });

  test.each([
    "",
    "1",
    "192.0.2",
    "192.0.2.1.5",
    "192.0.2.01",
    "192.0.2.256",
    "192.0.2.0x1",
    " 192.0.2.1",
    "192.0.2.1 ",
    "192.0.2.",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "12345::",
    "g::",
    "1:",
    ":1",
    "192.0.2.1::",
    "::192.0.2.1:1",
    "fe80::1%lo",
    "::192.0.2",
  ])("refuses %j, as the system's own parser does", (text) => {
    expect(() => parseAddress(text)).toThrow("expected IPv4 or IPv6");
    if (!text.includes("%")) expect(isIP(text)).toBe(0);
  });
});

describe("parsePrefix()", () => {
  test("an address alone is a prefix of its whole length", () => {
    expect(parsePrefix("192.0.2.1").prefixLength).toBe(32);
    expect(parsePrefix("2001:db8::1").prefixLength).toBe(128);
  });

  test.each(["192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0", "2001:db8::1/128"])("reads %s back", (text) => {
    const { octets, prefixLength } = parsePrefix(text);
    expect(formatPrefix(octets, prefixLength)).toBe(text);
  });

  test.each(["192.0.2.0/33", "2001:db8::/129", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/08", "192.0.2.0/2/4", "/24"])(
    "refuses %s",
    (text) => {
      expect(() => parsePrefix(text)).toThrow("expected");
    },
  );
});
