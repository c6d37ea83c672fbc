import { describe, expect, test } from "bun:test";
import { Fault } from "./errors.ts";
import { readHostName } from "./host-name.ts";

function faultOf(text: string): string {
  const result = readHostName(text);
  return result instanceof Fault ? result.text : `the name ${result}`;
}

describe("readHostName()", () => {
  test.each([
    ["example.org", "example.org"],
    ["WWW.Example.ORG", "www.example.org"],
    ["example.org.", "example.org"],
    ["localhost", "localhost"],
    ["münchen.example.org", "xn--mnchen-3ya.example.org"],
    ["MÜNCHEN.Example.org", "xn--mnchen-3ya.example.org"],
    ["例え。テスト", "xn--r8jz45g.xn--zckzah"],
    ["r3---sn-a_b.example.org", "r3---sn-a_b.example.org"],
    ["-x.1.example.org", "-x.1.example.org"],
    [`${"a".repeat(63)}.example.org`, `${"a".repeat(63)}.example.org`],
    [`${"a.".repeat(126)}a`, `${"a.".repeat(126)}a`],
  ])("reads %j as %j", (text, name) => {
    expect(readHostName(text)).toBe(name);
    expect(readHostName(name)).toBe(name);
  });

  test.each([
    ["", "found an empty text"],
    [".", 'found "."'],
    ["a b.example.org", 'found "a b.example.org"'],
    ["ä b.example.org", 'found "ä b.example.org"'],
    ["a..example.org", 'found "a..example.org", with nothing between two dots'],
    [".example.org", 'found ".example.org", with nothing between two dots'],
    ["*.example.org", 'found "*.example.org", but a name means itself and everything below it: write "example.org"'],
    ["https://example.org/x", 'found "https://example.org/x", which is a URL: write "example.org"'],
    ["example.org/x", 'found "example.org/x", which has a path or a prefix'],
    ["example.org:443", 'found "example.org:443", but ports stand in the rule\'s ports: write "example.org"'],
    ["2001:db8::1", 'found "2001:db8::1", which is an address'],
    ["192.0.2.1", 'found "192.0.2.1", which is an address'],
    ["１９２.0.2.1", 'found "１９２.0.2.1", which is an address'],
    [`${"a".repeat(64)}.org`, `found "${"a".repeat(60)}…", with 64 octets between two dots, at most 63 fit`],
    [`${"a.".repeat(127)}a`, `found "${"a.".repeat(30)}…", which has 255 octets, at most 253 fit`],
  ])("refuses %j", (text, fault) => {
    expect(faultOf(text)).toBe(`expected a host name, ${fault}`);
  });
});
