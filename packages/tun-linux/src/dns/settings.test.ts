import { describe, expect, test } from "bun:test";
import { checkDns, isSplit, serverTexts } from "./settings.ts";

const servers = ["192.0.2.53"];

describe("checkDns()", () => {
  test.each([
    ["example.org", { name: "example.org", routeOnly: false }],
    ["example.org.", { name: "example.org", routeOnly: false }],
    ["~example.org", { name: "example.org", routeOnly: true }],
    ["~.", { name: ".", routeOnly: true }],
    ["EXAMPLE.org", { name: "example.org", routeOnly: false }],
    ["b\u00fccher.example.org", { name: "xn--bcher-kva.example.org", routeOnly: false }],
    ["_tcp.example.org", { name: "_tcp.example.org", routeOnly: false }],
  ])("reads the domain %s", (text, domain) => {
    expect(checkDns({ servers, domains: [text] }).domains).toEqual([domain]);
  });

  test.each([
    "",
    ".",
    "~",
    "a..b",
    ".a",
    "-a.example.org",
    "a b",
    "a/b",
    `${"a".repeat(64)}.org`,
    "a.".repeat(127) + "a",
  ])("refuses the domain %j", (text) => {
    expect(() => checkDns({ servers, domains: [text] })).toThrow("dns domain: expected a name");
  });

  test("writes servers as RFC 5952 says, and refuses none and wrong ones", () => {
    expect(serverTexts(checkDns({ servers: ["2001:DB8:0::53", "192.0.2.1"] }))).toEqual(["2001:db8::53", "192.0.2.1"]);
    expect(() => checkDns({ servers: [] })).toThrow("expected at least one server");
    expect(() => checkDns({ servers: ["dns.example.org"] })).toThrow("expected IPv4 or IPv6");
  });
});

describe("isSplit()", () => {
  test.each([
    [{}, false],
    [{ domains: ["example.org"] }, false],
    [{ domains: ["~example.org", "~."] }, false],
    [{ domains: ["~example.org", "example.org"] }, false],
    [{ domains: ["~example.org"] }, true],
    [{ domains: ["~example.org"], defaultRoute: true }, false],
    [{ defaultRoute: false }, true],
  ])("%j: %p", (settings, split) => {
    expect(isSplit(checkDns({ servers, ...settings }))).toBe(split);
  });
});
