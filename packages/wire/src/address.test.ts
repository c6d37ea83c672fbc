import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatAddress, formatEndpoint, parseAddress, parseEndpoint } from "./address.ts";
import { WireError } from "./errors.ts";

const PAIRS: readonly (readonly [string, string])[] = [
  ["192.0.2.7", "c0000207"],
  ["0.0.0.0", "00000000"],
  ["::", "00000000000000000000000000000000"],
  ["::1", "00000000000000000000000000000001"],
  ["2001:db8::", "20010db8000000000000000000000000"],
  ["2001:db8::7", "20010db8000000000000000000000007"],
  // RFC 5952 section 4.2.2: a single group of zeros is not shortened.
  ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001"],
  // Section 4.2.3: the longest run, of equal ones the first.
  ["2001:0:0:1::1", "20010000000000010000000000000001"],
  ["2001:db8::1:0:0:1", "20010db8000000000001000000000001"],
  // Section 5: mapped addresses are dotted.
  ["::ffff:192.0.2.7", "00000000000000000000ffffc0000207"],
];

test.each(PAIRS)("parseAddress() and formatAddress() agree on %s", (text, hex) => {
  expect(parseAddress(text).toHex()).toBe(hex);
  expect(formatAddress(Uint8Array.fromHex(hex))).toBe(text);
});

test.each([
  ["2001:DB8:0:0:0:0:0:7", "2001:db8::7"],
  ["2001:0db8::0007", "2001:db8::7"],
  ["1::", "1::"],
  ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
])("parseAddress() reads %s too", (text, usual) => {
  expect(formatAddress(parseAddress(text))).toBe(usual);
});

test.each([
  "",
  "192.0.2",
  "192.0.2.7.1",
  "192.0.2.256",
  "192.0.02.7",
  "192.0.2.-1",
  "192.0.2.7 ",
  "0x7f.0.0.1",
  ":",
  ":::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "1::2::3",
  "2001:db8::12345",
  "2001:db8::g",
  "fe80::1%eth0",
  "192.0.2.7::",
  "::192.0.2.7:1",
  "1:2:3:4:5:6:7:192.0.2.7",
])("parseAddress() refuses %j", (text) => {
  expect(() => parseAddress(text)).toThrow(WireError);
});

test("formatAddress() refuses another number of octets", () => {
  expect(() => formatAddress(new Uint8Array(5))).toThrow("address must have 4 or 16 octets, found 5");
});

test("parseAddress() reads back whatever formatAddress() wrote", () => {
  const few = fc.array(fc.constantFrom(0, 0, 0, 1, 0xab), { minLength: 16, maxLength: 16 });
  const octets = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    few.map((values) => Uint8Array.from(values)),
  );
  fc.assert(
    fc.property(octets, (address) => {
      expect(parseAddress(formatAddress(address))).toEqual(address);
    }),
  );
});

test("parseEndpoint() reads back whatever formatEndpoint() wrote", () => {
  expect(formatEndpoint("2001:db8::7", 443)).toBe("[2001:db8::7]:443");
  expect(parseEndpoint("[2001:db8::7]:443")).toEqual({ address: "2001:db8::7", port: 443 });
  expect(parseEndpoint("192.0.2.7:65535")).toEqual({ address: "192.0.2.7", port: 65535 });
});

test.each(["192.0.2.7", "192.0.2.7:65536", "[192.0.2.7]:1", "2001:db8::7:443", "[2001:db8::7]", "192.0.2:1"])(
  "parseEndpoint() refuses %s",
  (text) => {
    expect(() => parseEndpoint(text)).toThrow(WireError);
  },
);
