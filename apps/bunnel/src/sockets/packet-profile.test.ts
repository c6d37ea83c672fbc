import { describe, expect, test } from "bun:test";
import { defaultProfile, parseProfile, selectionOf, tableRules, type Profile } from "@bunnel/profile";
import { packetProfile } from "./packet-profile.ts";

const rule = (text: string): Profile => parseProfile(`[[rule]]\nname = "r"\n${text}`);
const packets = (profile: Profile): Profile => packetProfile(profile, "macOS");

describe("packetProfile()", () => {
  test("hands every flow, datagram and echo request over, whatever the rules are for", () => {
    for (const profile of [
      defaultProfile(),
      rule('strategy = "pass"'),
      parseProfile("enabled = false"),
      rule(OF_HOST),
    ]) {
      const selected = selectionOf(packets(profile));
      // More ports than interception tells apart: any.
      expect(selected).toEqual({ stream: [], udp: [], echo: true });
    }
  });

  test("keeps what the engine does without sending: QUIC that is dropped, DNS that is answered", () => {
    const own = packets(rule('strategy = "tls: split(1)  quic: drop  dns: doh"'));
    const found = tableRules(own).map(({ name, kinds, egress }) => `${name} ${kinds.join("+")} ${egress}`);
    expect(found).toContain("r quic packet");
    expect(found).toContain("r dns packet");
    expect(found).not.toContain("r tls packet");
  });

  test("rules have their places, and those that carry everything stand behind them", () => {
    const profile = parseProfile(`${PLAIN}[[rule]]\nname = "b"\nstrategy = "quic: drop"`);
    expect(packets(profile).rules.map(({ name, enabled }) => [name, enabled])).toEqual([
      ["a", false],
      ["b", true],
      ["by sockets", true],
    ]);
  });

  test("excluded addresses are left alone, excluded ports and hosts are carried before any rule has a look", () => {
    const exclude = '[exclude]\naddresses = ["203.0.113.0/24"]\nports = [853]\nhosts = ["example.org"]\n';
    const own = packets(parseProfile(`${exclude}[[rule]]\nname = "b"\nstrategy = "quic: drop"`));
    expect(selectionOf(own).except?.addresses).toEqual(["203.0.113.0-203.0.113.255"]);
    const [first, second] = tableRules(own).filter(({ egress }) => egress === "datagrams");
    expect([first?.ports, second?.hosts]).toEqual([[{ first: 853, last: 853 }], ["example.org"]]);
  });

  test.each([
    ['egress = "packet"\nstrategy = "tls: split(1)"', 'rule "r": egress: expected "auto" or "stream", found "packet"'],
    ['strategy = "tls: fake(ttl=4, badsum) split(1)"', 'rule "r": tls fake'],
    ['strategy = "quic: fake(x2)"', 'rule "r": quic fake needs packets of its own'],
    ['strategy = "dns: redirect(192.0.2.53)"', 'rule "r": dns redirect needs packets of its own'],
  ])("refuses a rule with %j by its name", (text, message) => {
    expect(() => packets(rule(text))).toThrow(message);
    expect(() => packets(rule(text))).toThrow("on macOS everything leaves by sockets");
    expect(() => packets(rule(`enabled = false\n${text}`))).not.toThrow();
  });

  test.each([
    ['[interception]\nmethod = "nft"', "interception.method"],
    ["[interception]\nkill_switch = true", "interception.kill_switch"],
    ['[gateway]\ninterfaces = ["en1"]', "gateway.interfaces"],
    ['[exclude]\nusers = ["root"]', "exclude.users"],
    ['[include]\nprocesses = ["curl"]', "include.processes"],
    ['[exclude]\ninterfaces = ["en1"]', "exclude.interfaces"],
    ['[exclude]\nprotocols = ["udp"]', "exclude.protocols"],
  ])("refuses %j, which needs Linux", (text, key) => {
    expect(() => packets(parseProfile(text))).toThrow(`${key}: expected`);
  });
});

const OF_HOST = 'hosts = ["example.org"]\nports = [8443]\nstrategy = "tls: tlsrec(sniext+1)"';
const PLAIN = '[[rule]]\nname = "a"\nstrategy = "tls: split(1)"\n';
