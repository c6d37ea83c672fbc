import { describe, expect, test } from "bun:test";
import { encodeRules } from "../table/encode.ts";
import { encodeStreamRules } from "../table/stream-table.ts";
import { matchRule } from "../table/match.ts";
import { decodeRules } from "../table/decode.ts";
import { tableRules } from "../table/table-rules.ts";
import { selectionOf } from "../profile/selection.ts";
import { parseProfile } from "../profile/parse.ts";
import { ProfileError } from "../errors.ts";
import { parseStrategy } from "./checker.ts";
import { egressOf, egressRefusals } from "./egress.ts";

function refusals(text: string, egress: "packet" | "stream"): readonly string[] {
  return egressRefusals(parseStrategy(text), egress).map(({ operation, why }) => `${operation.technique} ${why}`);
}

function problem(text: string): string {
  try {
    parseProfile(text);
    return "none";
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    return error.message;
  }
}

const RULE = '[[rule]]\nname = "video"\n';

describe("egressRefusals()", () => {
  test("packets cannot change how many octets a stream has", () => {
    expect(refusals("tls: split(1) disorder fake(badsum)  http: hostpad(64)", "packet")).toEqual([
      "hostpad changes how many octets the stream has",
    ]);
  });

  test.each([
    "tls: tlsrec(1) split(2) oob(3) disorder delay(1)  http: httphost(case) hostdot hosttab hostpad(16)",
    "http: methodspace methodeol split(1)  tls: drop",
    "tls: fake(ttl=4) split(1)",
    "tls: fake(ttl=4, ttl=auto-1)",
    "quic: fake(x6)  dns: drop  syn: mss(88)",
  ])("sockets carry out %s", (text) => {
    expect(refusals(text, "stream")).toEqual([]);
  });

  test.each([
    ["tls: fake(badsum, ttl=4)", "fake with badsum needs packets: a socket's fake has a hop limit alone"],
    ["tls: fake(ttl=auto-1)", "fake without a ttl=N needs packets: a socket does not learn the distance"],
    ["tls: fake(ttl=4, x2)", "fake with x2 needs packets: a socket sends one fake of a piece"],
    ["tls: fake(ttl=4, after)", "fake with after needs packets: a socket's fake is sent before the message"],
    ["tls: seqovl(1)", "seqovl needs packets: a socket sends no octet of its stream twice"],
    ["tls: ipfrag", "ipfrag needs packets: a socket's headers are the system's"],
  ])("sockets cannot carry out %s", (text, why) => {
    expect(refusals(text, "stream")).toEqual([why]);
  });
});

describe("the egress of a rule", () => {
  test("egressOf() is stream where a strategy needs it, and what the rule says otherwise", () => {
    const of = (lines: string) => parseProfile(RULE + lines).rules.map(egressOf);
    expect(of('strategy = "tls: tlsrec(1)"')).toEqual(["stream"]);
    expect(of('strategy = "tls: split(1)"')).toEqual(["packet"]);
    expect(of('egress = "stream"\nstrategy = "tls: split(1)"')).toEqual(["stream"]);
  });

  test.each([
    [
      'egress = "packet"\nstrategy = "tls: split(1) tlsrec(2)"',
      'profile:4:27: rule "video": strategy: tls tlsrec: expected egress "stream" or "auto", found "packet": ' +
        "it changes how many octets the stream has",
    ],
    [
      'egress = "stream"\nstrategy = "tls: ipid(zero)"',
      'profile:4:18: rule "video": strategy: tls ipid: expected egress "packet" or "auto", found "stream": ' +
        "it needs packets: a socket's headers are the system's",
    ],
    [
      'strategy = "tls: tlsrec(1)  http: ttl(3)"',
      'profile:3:35: rule "video": strategy: http ttl: expected a technique of stream egress beside tlsrec, ' +
        "found one that needs packets: a socket's headers are the system's",
    ],
    [
      'egress = "sockets"\nstrategy = "tls: split(1)"',
      'profile:3:10: rule "video": egress: expected "auto", "packet" or "stream", found "sockets"',
    ],
  ])("parseProfile() says what is wrong with %j", (lines, message) => {
    expect(problem(RULE + lines)).toBe(message);
  });

  test("encodeRules() refuses stream rules where nobody carries them out, and leaves them alone when told to", () => {
    const profile = parseProfile(`${RULE}strategy = "tls: tlsrec(1)  quic: drop"`);
    expect(() => encodeRules(profile)).toThrow(
      'rule "video": expected a strategy that packets can carry out: tlsrec changes how many octets the stream has',
    );
    const { rules } = decodeRules(encodeRules(profile, { streamRules: "leave" }));
    expect(
      rules.map(({ kinds, clause }) => [kinds.join(), clause?.operations.map(({ technique }) => technique)]),
    ).toEqual([
      ["quic", ["drop"]],
      ["tls", undefined],
    ]);
  });

  test("selectionOf() asks for all packets of their ports, not for their tls messages", () => {
    const selected = (text: string) => selectionOf(parseProfile(`${RULE}${text}`));
    expect(selected('strategy = "tls: tlsrec(1)  quic: drop"')).toEqual({ quic: [443], stream: [443] });
    expect(selected('strategy = "tls: tlsrec(1)  http: split(1)"')).toEqual({ stream: [80, 443] });
    expect(selected('ports = [8443, "9000-9001"]\nstrategy = "tls: tlsrec(1)"')).toEqual({
      stream: [8443, 9000, 9001],
    });
    // More ports than interception tells apart are any.
    expect(selected('ports = ["1-65535"]\nstrategy = "tls: tlsrec(1)"')).toEqual({ stream: [] });
  });

  test("tableRules() has an entry of its own for their flows, on the usual port where they name none", () => {
    const rules = tableRules(parseProfile(`${RULE}strategy = "tls: tlsrec(1)  http: pass  quic: drop"`));
    expect(rules.map(({ kinds, egress, ports }) => [kinds, egress, ports])).toEqual([
      [["quic"], "packet", []],
      [["http"], "packet", []],
      [["tls"], "stream", [{ first: 443, last: 443 }]],
    ]);
  });
});

test("encodeStreamRules() finds the rules of both egresses, and what each does", () => {
  const profile = parseProfile(`
    [[rule]]
    name = "quiet"
    hosts = ["=still.example.org"]
    strategy = "tls: pass"
    [[rule]]
    name = "cut"
    hosts = ["example.org"]
    packets = [1, 4]
    strategy = "tls: tlsrec(midsld)  quic: drop"
    [[rule]]
    name = "rest"
    ports = [80]
    strategy = "http: fake(badsum) split(1)"`);
  const { table, rules } = encodeStreamRules(profile);
  const found = (kind: "tls" | "http", port: number, host?: string) => {
    const rule = rules[matchRule(table, { kind, family: "ipv4", port, ...(host !== undefined && { host }) })];
    return rule && [rule.name, rule.egress, rule.clause?.operations.length ?? 0];
  };
  expect(found("tls", 443, "still.example.org")).toEqual(["quiet", "packet", 0]);
  expect(found("tls", 443, "video.example.org")).toEqual(["cut", "stream", 1]);
  expect(found("http", 80, "video.example.org")).toEqual(["rest", "packet", 2]);
  expect(found("http", 8080, "video.example.org")).toBeUndefined();
});
