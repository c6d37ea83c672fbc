import { describe, expect, test } from "bun:test";
import { parseProfile } from "./parse.ts";
import { defaultProfile } from "./default-profile.ts";
import { selectionOf, type ProfileSelection } from "./selection.ts";

/** The selection of rules with these keys. */
function selected(...rules: readonly string[]): ProfileSelection {
  const tables = rules.map((rule, index) => `[[rule]]\nname = "rule ${index}"\n${rule}\n`);
  return selectionOf(parseProfile(rules.length === 0 ? "rule = []" : tables.join("")));
}

const BOTH = 'strategy = "tls: split(1) http: split(2)"';

describe("selectionOf()", () => {
  test("asks for TLS on any port and HTTP on port 80 where a rule has no ports", () => {
    expect(selected(BOTH)).toEqual({ tls: [], http: [80] });
    expect(selectionOf(defaultProfile())).toEqual({ tls: [], http: [80] });
  });

  test("asks for nothing where no enabled rule rewrites anything", () => {
    expect(selected()).toEqual({});
    expect(selected('strategy = "pass"', `enabled = false\n${BOTH}`)).toEqual({});
  });

  test("leaves out a kind that only passes", () => {
    expect(selected('strategy = "tls: pass http: split(1)"')).toEqual({ http: [80] });
    expect(selected('ports = [443]\nstrategy = "tls: split(1)"')).toEqual({ tls: [443] });
  });

  test("joins the ports of all rules, each once, ascending", () => {
    expect(selected(`ports = [8443, "440-444", 443]\n${BOTH}`, `ports = ["443-445", 80]\n${BOTH}`)).toEqual({
      tls: [80, 440, 441, 442, 443, 444, 445, 8443],
      http: [80, 440, 441, 442, 443, 444, 445, 8443],
    });
  });

  test("takes any port for TLS and adds port 80 for HTTP when one rule of several has no ports", () => {
    expect(selected(`ports = [8080]\n${BOTH}`, BOTH)).toEqual({ tls: [], http: [80, 8080] });
    expect(selected(`ports = [80, 81]\n${BOTH}`, BOTH)).toEqual({ tls: [], http: [80, 81] });
  });

  test("asks for QUIC on port 443, DNS on port 53 and SYNs to any port where a rule has none", () => {
    const all = 'strategy = "quic: drop dns: ttl(5) syn: mss(88)"';
    expect(selected(all)).toEqual({ quic: [443], dns: [53], syn: [] });
    expect(selected(`ports = [5353, 443]\n${all}`)).toEqual({ quic: [443, 5353], dns: [443, 5353], syn: [443, 5353] });
    expect(selected(`ports = [5353]\n${all}`, all)).toEqual({ quic: [443, 5353], dns: [53, 5353], syn: [] });
    expect(selected('ports = ["1-1025"]\nstrategy = "syn: mss(88)"')).toEqual({ syn: [] });
    expect(() => selected('ports = ["1-1025"]\nstrategy = "quic: drop"')).toThrow(
      "profile: ports of rules for quic: expected at most 1024 together, found 1025",
    );
  });

  test("asks for all datagrams and echo requests that a rule has carried", () => {
    const carried = (keys: string) => selected(`egress = "stream"\nstrategy = "pass"\n${keys}`);
    expect(carried('carries = ["udp"]')).toEqual({ udp: [] });
    expect(carried('ports = [443, "7000-7001"]\ncarries = ["udp", "icmp"]')).toEqual({
      udp: [443, 7000, 7001],
      echo: true,
    });
    expect(carried('ports = ["1-65"]\ncarries = ["udp"]')).toEqual({ udp: [] });
    expect(carried('addresses = ["203.0.113.0/24"]\nfamilies = ["ipv4"]\ncarries = ["icmp"]')).toEqual({
      echo: true,
      addresses: { echo: ["203.0.113.0-203.0.113.255"] },
    });
  });

  test("leaves out what [include] and [exclude] keep from being carried", () => {
    const rule = '[[rule]]\nname = "a"\negress = "stream"\nstrategy = "pass"\ncarries = ["udp", "icmp"]';
    const left = (section: string) => selectionOf(parseProfile(`${section}\n${rule}`));
    expect(left('[exclude]\nprotocols = ["udp"]')).toEqual({ echo: true });
    expect(left('[include]\nprotocols = ["udp"]')).toEqual({ udp: [] });
    expect(left('[include]\nprotocols = ["tcp"]')).toEqual({});
  });

  test("takes any port for TLS rather than a long list, and refuses a long list for HTTP", () => {
    expect(selected('ports = ["1-1024"]\nstrategy = "tls: split(1)"').tls).toHaveLength(1024);
    expect(selected('ports = ["1-1025"]\nstrategy = "tls: split(1)"')).toEqual({ tls: [] });
    expect(() => selected('ports = ["1-65535"]\nstrategy = "http: split(1)"')).toThrow(
      "profile: ports of rules for http: expected at most 1024 together, found 65535",
    );
  });

  test("asks for the queries to the network's own server where they are answered here", () => {
    expect(selected('strategy = "dns: doh"')).toEqual({ dns: [53], dnsOfNetwork: true, queries: [53] });
    const redirected = { dns: [53], dnsOfNetwork: true, queries: [53] } as const;
    expect(selected('strategy = "dns: redirect(192.0.2.53)"')).toEqual(redirected);
    expect(selected('ports = [5353]\nstrategy = "dns: doh"').queries).toEqual([5353]);
    expect(selected('hosts = ["example.org"]\nstrategy = "dns: doh"').queries).toBeUndefined();
    expect(selected('strategy = "dns: ipfrag"')).toEqual({ dns: [53] });
  });
});
