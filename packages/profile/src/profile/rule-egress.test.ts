import { describe, expect, test } from "bun:test";
import { decodeRules } from "../table/decode.ts";
import { encodeRules } from "../table/encode.ts";
import { parseProfile } from "./parse.ts";

const rule = (keys: string, strategy = "pass") => `[[rule]]\nname = "a"\nstrategy = "${strategy}"\n${keys}\n`;

/** What stands in the table of a profile: egress and kinds of its rules. */
function tableOf(text: string) {
  return decodeRules(encodeRules(parseProfile(text), { streamRules: "leave" })).rules.map(({ egress, kinds }) => [
    egress,
    kinds.join(" "),
  ]);
}

describe("carries", () => {
  test.each([
    ['carries = ["udp"]', "pass", 'carries: expected egress "stream" beside "udp", found "auto"'],
    [
      'egress = "packet"\ncarries = ["icmp"]',
      "pass",
      'carries: expected egress "stream" beside "icmp", found "packet"',
    ],
    [
      'egress = "stream"\ncarries = ["udp"]',
      "tls: split(1)",
      'carries: expected "tcp" beside a strategy for tls, found',
    ],
    ['egress = "stream"\ncarries = []', "pass", "carries: expected tcp, udp or icmp, found none"],
    ['egress = "stream"\ncarries = ["sctp"]', "pass", 'carries entry 1: expected "tcp", "udp" or "icmp", found'],
  ])("%j is refused beside %j", (keys, strategy, message) => {
    expect(() => parseProfile(rule(keys, strategy))).toThrow(message);
  });

  test("goes with a strategy that needs sockets", () => {
    expect(parseProfile(rule('carries = ["icmp", "tcp"]', "tls: tlsrec(1)")).rules[0]?.carries).toEqual([
      "tcp",
      "icmp",
    ]);
  });

  test("makes a rule of its own for each, which looks at no message", () => {
    expect(tableOf(rule('egress = "stream"\ncarries = ["tcp", "udp", "icmp"]', "tls: split(1)"))).toEqual([
      ["datagrams", ""],
      ["echo", ""],
      ["stream", "tls"],
    ]);
  });

  test("leaves the messages of TCP to others where it is not for them", () => {
    expect(tableOf(rule('egress = "stream"\ncarries = ["udp"]'))).toEqual([
      ["datagrams", ""],
      ["packet", "quic dns"],
    ]);
  });

  test("makes rules that leave everything alone leave these alone, and needs none where nothing is carried", () => {
    const pass = rule("ports = [9]").replace('"a"', '"b"');
    expect(tableOf(`[exclude]\nports = [7]\n${pass}${rule('egress = "stream"\ncarries = ["udp"]')}`)).toEqual([
      ["packet", "tls http quic dns syn"],
      ["left", ""],
      ["left", ""],
      ["packet", "tls http quic dns syn"],
      ["datagrams", ""],
      ["packet", "quic dns"],
    ]);
    expect(tableOf(`[exclude]\nports = [7]\n${pass}`)).toEqual([
      ["packet", "tls http quic dns syn"],
      ["packet", "tls http quic dns syn"],
    ]);
  });
});
