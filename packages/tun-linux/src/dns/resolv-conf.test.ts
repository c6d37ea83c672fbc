import { describe, expect, test } from "bun:test";
import { asksResolved, renderResolvConf } from "./resolv-conf.ts";
import { checkDns } from "./settings.ts";

describe("renderResolvConf()", () => {
  test("writes servers, search domains and the options that were there", () => {
    const dns = checkDns({
      servers: ["192.0.2.53", "2001:db8::53"],
      domains: ["example.org", "~.", "~internal.example.org", "b.example.org"],
    });
    const before =
      "options ndots:3\n# options no\n  options  edns0 trust-ad\nsearch old.example.org\nnameserver 192.0.2.1\n";
    expect(renderResolvConf(dns, "tun0", before).split("\n")).toEqual([
      "# Made by bunnel for tun0. The file that was here comes back when it ends.",
      "nameserver 192.0.2.53",
      "nameserver 2001:db8::53",
      "search example.org b.example.org",
      "options ndots:3 edns0",
      "",
    ]);
  });

  test("leaves out what there is nothing of", () => {
    const text = renderResolvConf(checkDns({ servers: ["192.0.2.53"] }), "tun0", "");
    expect(text.split("\n").slice(1)).toEqual(["nameserver 192.0.2.53", ""]);
  });
});

describe("asksResolved()", () => {
  test.each([
    ["nameserver 127.0.0.53\n", undefined, true],
    ["nameserver 127.0.0.54\n", undefined, true],
    ["nameserver 192.0.2.1\n", "../run/systemd/resolve/resolv.conf", true],
    ["nameserver 192.0.2.1\n", "/run/systemd/resolve/stub-resolv.conf", true],
    ["nameserver 192.0.2.1\n", "/run/resolvconf/resolv.conf", false],
    ["# nameserver 127.0.0.53\nnameserver 192.0.2.1\n", undefined, false],
    ["", undefined, false],
  ])("%j, linked to %j: %p", (text, target, expected) => {
    expect(asksResolved(text, target)).toBe(expected);
  });
});
