// Which rule decides: the engine says what the plain matcher of `@bunnel/profile` says, for any profile and message.
import { beforeAll, describe, expect, test } from "bun:test";
import type { Engine, EngineBuild } from "@bunnel/engine";
import { encodeRules, matchRule, type MessageFacts, parseProfile } from "@bunnel/profile";
import { clientHello, httpRequest, tcpPacket, udpPacket } from "@bunnel/wire";
import fc from "fast-check";
import { quickReset } from "./quick-reset.ts";
import { BUILDS, engineOf } from "./rig.ts";

const RUNS = 600;
const LABELS = ["a", "b", "www", "example"] as const;
const NAMES = ["example.org", "a.example.org", "b.a.example.org", "a.example", "www.a.example", "b.example.org"];
const PREFIXES = [
  ...["203.0.113.0/24", "203.0.113.9", "203.0.113.128/25", "198.51.100.0/30", "0.0.0.0/1"],
  ...["2001:db8:1::/48", "2001:db8:1::9", "2001:db8:1:0:8000::/65", "::/1", "2001:db8::/33"],
];
const ADDRESSES = {
  ipv4: ["203.0.113.9", "203.0.113.200", "198.51.100.3", "198.51.100.4", "0.0.0.1", "127.255.255.255", "128.0.0.0"],
  ipv6: ["2001:db8:1::9", "2001:db8:1::a", "2001:db8:1:0:8000::1", "2001:db8:8000::1", "::1", "8000::1"],
} as const;
const PORTS = [80, 443, 8000, 8001, 9000] as const;

const quoted = (words: readonly string[]): string => `[${words.map((word) => `"${word}"`).join(", ")}]`;

const rule = fc
  .record({
    kinds: fc.constantFrom("tls: pass", "http: pass", "dns: pass", "tls: pass  http: pass"),
    hosts: fc.subarray(NAMES.flatMap((name) => [name, `=${name}`])),
    addresses: fc.subarray(PREFIXES),
    ports: fc.subarray(["80", "443", "8000-9000", "1-65535"]),
    families: fc.subarray(["ipv4", "ipv6"], { minLength: 1 }),
    direction: fc.constantFrom("both", "both", "out", "in"),
    packets: fc.option(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(3))),
    wants: fc.constantFrom("hosts", "addresses", "both", "none"),
  })
  .map(({ kinds, hosts, addresses, ports, families, direction, packets, wants }) => ({
    hosts: wants === "hosts" || wants === "both" ? hosts : [],
    addresses: wants === "addresses" || wants === "both" ? addresses : [],
    ...{ kinds, ports, families, direction, packets },
  }));

/** One rule after the other; the priority is that of their order. */
const profile = fc
  .array(rule, { minLength: 1, maxLength: 6 })
  .map((rules) =>
    rules
      .map((each, i) =>
        [
          `[[rule]]\nname = "r${i}"\nstrategy = "${each.kinds}"\nfamilies = ${quoted(each.families)}`,
          `ports = ${quoted(each.ports)}\ndirection = "${each.direction}"`,
          ...(each.hosts.length > 0 ? [`hosts = ${quoted(each.hosts)}`] : []),
          ...(each.addresses.length > 0 ? [`addresses = ${quoted(each.addresses)}`] : []),
          ...(each.packets ? [`packets = [${each.packets[0]}, ${each.packets[0] + each.packets[1]}]`] : []),
        ].join("\n"),
      )
      .join("\n"),
  );

const name = fc
  .tuple(fc.array(fc.constantFrom(...LABELS), { maxLength: 3 }), fc.constantFrom("org", "ORG", "example", "org."))
  .map(([labels, last]) => [...labels, last].join("."));

const message = fc
  .record({
    kind: fc.constantFrom("tls" as const, "http" as const, "dns" as const),
    family: fc.constantFrom("ipv4" as const, "ipv6" as const),
    host: fc.oneof(name, fc.constantFrom(...NAMES)),
    place: fc.nat(6),
    port: fc.constantFrom(...PORTS),
    direction: fc.constantFrom("out" as const, "out" as const, "in" as const),
    packet: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ kind, family, place, port, ...rest }): Required<MessageFacts> => {
    const address = ADDRESSES[family][place % ADDRESSES[family].length] ?? "";
    return { ...rest, kind, family, address, port: kind === "dns" ? 53 : port };
  });

function query(host: string): Uint8Array {
  const labels = host.split(".").filter((label) => label !== "");
  return Uint8Array.from([
    ...[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    ...labels.flatMap((label) => [label.length, ...Buffer.from(label)]),
    ...[0, 0, 1, 0, 1],
  ]);
}

/** The packets of a flow up to the message, which is packet number `packet` of its direction. */
function flowOf({ kind, family, host, address, port, direction, packet }: Required<MessageFacts>): Uint8Array[] {
  const client = family === "ipv4" ? "192.0.2.7" : "2001:db8:ffff::7";
  const there = { source: client, destination: address, sourcePort: 40000, destinationPort: port };
  // Whoever answers sends to the client: the address and port that the rules ask for are then where the flow began.
  const back = { source: address, destination: client, sourcePort: port, destinationPort: 40000 };
  const opener = direction === "out" ? [] : [back];
  const plain = (ends: typeof there): Uint8Array =>
    kind === "dns" ? udpPacket({ ...ends, payload: new Uint8Array(4) }) : tcpPacket({ ...ends, flags: "A" });
  const payload =
    kind === "tls" ? clientHello({ serverName: host }) : kind === "http" ? httpRequest({ host }) : query(host);
  const last = kind === "dns" ? udpPacket({ ...there, payload }) : tcpPacket({ ...there, flags: "PA", payload });
  return [...opener.map(plain), ...Array.from({ length: packet - 1 }, () => plain(there)), last];
}

describe.each(BUILDS)("rules, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  test("the first rule that matches decides, as the plain matcher says", () => {
    let [matched, missed] = [0, 0];
    fc.assert(
      fc.property(profile, fc.array(message, { minLength: 1, maxLength: 4 }), (text, messages) => {
        const table = encodeRules(parseProfile(text));
        engine.loadRules(table);
        for (const facts of messages) {
          quickReset(engine);
          const lane = engine.lane(0);
          const packets = flowOf(facts);
          for (const [i, packet] of packets.entries()) lane.place(i, packet);
          lane.poll(0, packets.length, 0);
          const expected = matchRule(table, facts);
          expect(lane.meta(packets.length - 1).rule).toBe(expected);
          if (expected < 0) missed++;
          else matched++;
        }
      }),
      { numRuns: RUNS },
    );
    // A matcher that always says the same would pass, too.
    expect(Math.min(matched, missed)).toBeGreaterThan(RUNS / 4);
  });

  test("names of many labels, and names whose hashes share places, are found by their suffix alone", () => {
    const listed = Array.from({ length: 3000 }, (_, i) => `h${i}.example.org`);
    engine.loadRules(
      encodeRules(parseProfile(`[[rule]]\nname = "list"\nhosts = ${quoted(listed)}\nstrategy = "tls: pass"\n`)),
    );
    const ruleOf = (serverName: string): number => {
      const lane = engine.lane(0);
      lane.place(0, tcpPacket({ ...ENDS, flags: "PA", payload: clientHello({ serverName }) }));
      lane.poll(0, 1, 0);
      return lane.meta(0).rule;
    };
    for (let i = 0; i < listed.length; i += 97) {
      expect(ruleOf(`h${i}.example.org`)).toBe(0);
      expect(ruleOf(`A.B.C.H${i}.Example.Org.`)).toBe(0);
      expect(ruleOf(`xh${i}.example.org`)).toBe(-1);
      expect(ruleOf(`h${i}.example.net`)).toBe(-1);
    }
  });
});

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
