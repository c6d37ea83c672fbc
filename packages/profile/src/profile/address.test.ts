import { describe, expect, test } from "bun:test";
import { Fault } from "../errors.ts";
import { readIpv4, readNetmask, readPrefix } from "./address.ts";

describe("readPrefix()", () => {
  test.each([
    ["203.0.113.0/24", "203.0.113.0/24"],
    ["203.0.113.9", "203.0.113.9/32"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["192.0.2.128/25", "192.0.2.128/25"],
    ["2001:DB8::", "2001:db8::/128"],
    ["2001:db8:0:0::/33", "2001:db8::/33"],
    ["::/0", "::/0"],
  ])("reads %j as %j", (text, prefix) => {
    expect(readPrefix(text)).toBe(prefix);
  });

  test.each(
    [
      ...["203.0.113.1/24", "192.0.2.128/24", "2001:db8::1/127", "0.0.0.1/0", "192.0.2.0/33", "2001:db8::/129"],
      ...["192.0.2", "192.0.2.0/", "192.0.2.0/a", "192.0.2.0/-1", "/24", "", "fe80::1%eth0", "x", 5, ["192.0.2.1"]],
    ].map((value) => [value]),
  )("refuses %j", (value) => {
    expect(readPrefix(value)).toBeInstanceOf(Fault);
  });
});

test("readIpv4() takes four octets and nothing else", () => {
  expect(readIpv4("192.0.2.1")).toBe("192.0.2.1");
  for (const value of ["2001:db8::1", "192.0.2", "192.0.2.256", 1]) expect(readIpv4(value)).toBeInstanceOf(Fault);
});

test("readNetmask() takes ones and then zeros", () => {
  for (const mask of ["128.0.0.0", "255.255.255.0", "255.255.255.255"]) expect(readNetmask(mask)).toBe(mask);
  for (const mask of ["0.0.0.0", "255.0.255.0", "0.255.0.0", "ffff::", "24"]) {
    expect(readNetmask(mask)).toBeInstanceOf(Fault);
  }
});
