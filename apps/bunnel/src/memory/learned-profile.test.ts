import { describe, expect, test } from "bun:test";
import { encodeRules, parseProfile, ruleStrategyText } from "@bunnel/profile";
import { changesHost, Deciders, learnedProfile, type Learned } from "./learned-profile.ts";

const PROFILE = parseProfile(`
[exclude]
hosts = ["bank.example.org"]
[[rule]]
name = "left alone"
hosts = ["intern.example.org"]
strategy = "pass"
[[rule]]
name = "video"
hosts = ["example.org"]
ports = [443]
strategy = "tls: split(5)  quic: drop"
[[rule]]
name = "web"
strategy = "http: split(method+2)"
`);
const deciders = new Deciders(PROFILE);

function rulesWith(learned: Readonly<Record<string, Learned>>): string[] {
  const profile = learnedProfile(deciders, new Map(Object.entries(learned)));
  encodeRules(profile);
  return profile.rules.map((rule) => `${rule.name}: ${rule.hosts.join(",")} ${ruleStrategyText(rule)}`);
}

const [ALONE = "", VIDEO = "", WEB = ""] = rulesWith({});
const learned = (strategy: string, pinned = false): Learned => ({ strategy, pinned });

describe("learnedProfile()", () => {
  test("is the profile itself where nothing is learnt, or nothing else than it says", () => {
    expect(learnedProfile(deciders, new Map())).toBe(PROFILE);
    expect(rulesWith({ "www.example.org": learned("tls: split(5)") })).toEqual([ALONE, VIDEO, WEB]);
  });

  test("puts each clause right ahead of the rule that decides it, with that rule's conditions", () => {
    expect(rulesWith({ "www.example.org": learned("tls: split(1)  http: split(2)") })).toEqual([
      ...[ALONE, "learned 1: =www.example.org tls: split(1)", VIDEO],
      ...["learned 2: =www.example.org http: split(2)", WEB],
    ]);
    const [, rule] = learnedProfile(deciders, new Map([["www.example.org", learned("tls: split(1)")]])).rules;
    expect(rule).toMatchObject({ ports: [{ first: 443, last: 443 }], priority: 0 });
  });

  test("what is learnt of QUIC goes before what else is learnt of it, but for a pin", () => {
    const quic = learned("quic: tos(8)");
    const both = "tls: split(1)  quic: ttl(9)";
    const own = "learned 1: =www.example.org tls: split(1)";
    expect(rulesWith({ "www.example.org": learned(both), "quic:www.example.org": quic })).toEqual([
      ...[ALONE, own, "learned 2: =www.example.org quic: tos(8)", VIDEO, WEB],
    ]);
    expect(rulesWith({ "quic:www.example.org": quic })).toEqual([
      ...[ALONE, "learned 1: =www.example.org quic: tos(8)", VIDEO, WEB],
    ]);
    expect(rulesWith({ "www.example.org": learned(both, true), "quic:www.example.org": quic })).toEqual([
      ...[ALONE, `learned 1: =www.example.org ${both}`, VIDEO, WEB],
    ]);
  });

  test("hosts with one strategy share a rule", () => {
    const same = learned("tls: split(1)");
    expect(rulesWith({ "b.example.org": same, "a.example.org": same })).toEqual([
      ...[ALONE, "learned 1: =a.example.org,=b.example.org tls: split(1)", VIDEO, WEB],
    ]);
  });

  test("leaves alone what the profile leaves alone, unless somebody said so of that host", () => {
    const hosts = { "intern.example.org": learned("tls: split(1)"), "example.net": learned("tls: split(1)") };
    expect(rulesWith(hosts)).toEqual([ALONE, VIDEO, WEB]);
    expect(rulesWith({ "example.net": learned("tls: split(1)", true) })[0]).toBe(
      "learned 1: =example.net tls: split(1)",
    );
  });

  test("learns nothing that leaves by another way than now", () => {
    expect(rulesWith({ "www.example.org": learned("tls: tlsrec(1)") })).toEqual([ALONE, VIDEO, WEB]);
  });
});

describe.each(["stream", "auto"])("of a rule whose flows sockets carry on: egress %s", (egress) => {
  const rule = `[[rule]]\nname = "all"\negress = "${egress}"\nstrategy = "tls: tlsrec(1)"\n`;
  const streams = new Deciders(parseProfile(rule));

  test("what sockets can carry out is tried, and leaves by them", () => {
    expect(changesHost(streams, "www.example.org", "tls", "tls: split(1, midsld)")).toBe(true);
    const profile = learnedProfile(streams, new Map([["www.example.org", learned("tls: split(1, midsld)")]]));
    expect(profile.rules[0]).toMatchObject({ hosts: ["=www.example.org"], egress: "stream" });
    encodeRules(profile, { streamRules: "leave" });
  });

  test("what needs packets is not", () => {
    for (const strategy of ["tls: fakedsplit(1, ttl=4)", "tls: fake(ttl=auto-1) split(1)", "tls: seqovl(2)"]) {
      expect(changesHost(streams, "www.example.org", "tls", strategy)).toBe(false);
    }
  });
});

test("changesHost() says which strategies are worth a try", () => {
  const changes = (strategy: string, host = "www.example.org") => changesHost(deciders, host, "tls", strategy);
  expect(changes("tls: split(1)")).toBe(true);
  expect(changes("tls: split(5)  http: split(9)")).toBe(false);
  expect(changes("http: split(9)")).toBe(false);
  expect(changes("tls: tlsrec(1)")).toBe(false);
  expect(changes("tls: split(1)  syn: mss(88)")).toBe(false);
  expect(changes("tls: split(1)", "intern.example.org")).toBe(false);
  expect(changes("tls: split(1)", "bank.example.org")).toBe(false);
});
