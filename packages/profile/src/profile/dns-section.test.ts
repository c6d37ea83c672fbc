import { describe, expect, test } from "bun:test";
import { loadFile } from "../../test/files.ts";
import { parseProfile } from "./parse.ts";

function dns(text: string) {
  return parseProfile(`[dns]\n${text}`, { load: loadFile }).dns;
}

describe("[dns]", () => {
  test("an upstream is a URL with an address, or a name and where it is", () => {
    const text = 'upstreams = ["https://192.0.2.53", " https://dns.example.org:8443/q  192.0.2.53 2001:db8::53"]';
    expect(dns(text).upstreams).toEqual([
      { url: "https://192.0.2.53/", addresses: [] },
      { url: "https://dns.example.org:8443/q", addresses: ["192.0.2.53", "2001:db8::53"] },
    ]);
  });

  test.each([
    ["https://dns.example.org/dns-query", "no address of dns.example.org, and no system DNS is asked for it"],
    ["http://192.0.2.53/dns-query", 'found "http://192.0.2.53/dns-query"'],
    ["https://dns.example.org/ dns2.example.org", 'found "dns2.example.org" where an address stands'],
    ["192.0.2.53", 'found "192.0.2.53"'],
  ])("refuses the upstream %s", (upstream, message) => {
    expect(() => dns(`upstreams = ["${upstream}"]`)).toThrow(message);
  });

  test("reads certificates from a file, and says what is wrong with one", () => {
    expect(dns('certificates_file = "ca.pem"').certificates?.path).toBe("ca.pem");
    expect(() => dns('certificates_file = "hosts.txt"')).toThrow(
      'profile:2:21: dns.certificates_file: expected a file with certificates in PEM, found "hosts.txt" without one',
    );
    expect(() => dns('certificates_file = "gone.pem"')).toThrow("no such file");
  });

  test("a lower bound above the upper one is the upper one", () => {
    expect(dns("ttl_min_seconds = 100\nttl_max_seconds = 10").ttlMinSeconds).toBe(10);
  });

  test("names the nearest key", () => {
    expect(() => dns("fallbak = 'none'")).toThrow('did you mean "fallback"?');
  });
});
