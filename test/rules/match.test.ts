// The engine chooses the rule that the profile's own plain look would choose: for any profile, message, direction and
// place in the flow, and in lists as large as there may be.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Engine, type EngineBuild, type Lane, QuicNames } from "@bunnel/engine";
import { encodeRules, matchRule, type MessageFacts, parseProfile } from "@bunnel/profile";
import { clientHello, httpRequest, quicInitial, tcpPacket, udpPacket } from "@bunnel/wire";
import fc from "fast-check";
import { BUILDS, engineOf } from "../engine/rig.ts";

setDefaultTimeout(60_000);

const RUNS = 400;
const KINDS = ["tls", "http", "quic", "dns", "syn"] as const;
/** Over few labels, so that many names are below each other. */
const anyName = fc
  .tuple(
    fc.array(fc.constantFrom("a", "b", "www"), { maxLength: 3 }),
    fc.constantFrom("example.org", "b.co.uk", "co.uk"),
  )
  .map(([labels, end]) => [...labels, end].join("."));
const anyEntry = fc
  .tuple(fc.constantFrom("", "="), anyName)
  .map(([sign, name]) => (name === "co.uk" && sign === "" ? "all:co.uk" : sign + name));
const anyServer = fc.record({ v6: fc.boolean(), host: fc.integer({ min: 1, max: 31 }) });
const anyPrefix = fc.oneof(
  fc.record({ bits: fc.integer({ min: 26, max: 32 }), host: fc.nat(31) }).map(({ bits, host }) => {
    return `203.0.113.${host & (0xff << (32 - bits)) & 0xff}/${bits}`;
  }),
  fc.nat(31).map((host) => `2001:db8::${host.toString(16)}/128`),
  fc.constant("2001:db8::10/124"),
);
const anyPorts = fc.constantFrom("443", '"400-500"', '"50-60"', "80", '"1-65535"');

const anyRule = fc
  .record({
    hosts: fc.array(anyEntry, { maxLength: 4 }),
    addresses: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(anyPrefix, { maxLength: 3 })),
    ports: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(anyPorts, { maxLength: 3 })),
    families: fc.constantFrom('["ipv4"]', '["ipv6"]', '["ipv4", "ipv6"]'),
    direction: fc.constantFrom("out", "in", "both", "both"),
    packets: fc.constantFrom("[]", "[]", "[1, 1]", "[2, 3]", "[3, 3]"),
    priority: fc.nat(2),
    kinds: fc.oneof(fc.constant(undefined), fc.subarray([...KINDS], { minLength: 1 })),
  })
  .map(({ kinds, hosts, addresses, ports, ...rest }) => {
    const strategy = kinds === undefined ? "pass" : kinds.map((kind) => `${kind}: tos(4)`).join(" ");
    const keys = Object.entries({
      ...{ hosts: JSON.stringify(hosts), addresses: JSON.stringify(addresses), ports: `[${ports.join(", ")}]` },
      ...{ ...rest, direction: JSON.stringify(rest.direction), strategy: JSON.stringify(strategy) },
    });
    return keys.map(([key, value]) => `${key} = ${value}`).join("\n");
  });

const anyProfile = fc
  .array(anyRule, { minLength: 1, maxLength: 6 })
  .map((rules) => rules.map((keys, i) => `[[rule]]\nname = "rule ${i}"\n${keys}\n`).join("\n"));

const anyFacts = fc.record({
  kind: fc.constantFrom(...KINDS),
  name: anyName,
  server: anyServer,
  port: fc.constantFrom(443, 80, 450, 5000),
  direction: fc.constantFrom("out" as const, "in" as const),
  packet: fc.integer({ min: 1, max: 4 }),
  upper: fc.boolean(),
});
type Drawn = typeof anyFacts extends fc.Arbitrary<infer Facts> ? Facts : never;

interface Sent {
  readonly facts: MessageFacts;
  /** The packets of the flow up to the message, which is the last. */
  readonly packets: readonly Uint8Array[];
}

/** A flow of its own by its port, and a message in it; a SYN is the first packet itself. */
function sentOf({ kind, name, server, port, direction, packet, upper }: Drawn, nearPort: number): Sent {
  const host = upper ? name.toUpperCase() : name;
  const far = server.v6 ? `2001:db8::${server.host.toString(16)}` : `203.0.113.${server.host}`;
  const near = server.v6 ? "2001:db8:1::7" : "192.0.2.7";
  const destinationPort = kind === "dns" ? 53 : port;
  const isIn = direction === "in" && kind !== "syn";
  // What an answer goes to is the opener's own address and port, so both stand the other way round.
  const message = { source: near, sourcePort: nearPort, destination: far, destinationPort };
  const back = { source: far, sourcePort: destinationPort, destination: near, destinationPort: nearPort };
  const place = kind === "syn" ? 1 : packet;
  const isUdp = kind === "quic" || kind === "dns";
  const empty = (ends: typeof message): Uint8Array =>
    isUdp ? udpPacket({ ...ends, payload: new Uint8Array(5) }) : tcpPacket({ ...ends, flags: "A" });
  const payload = payloadOf(kind, host);
  const last = isUdp
    ? udpPacket({ ...message, payload })
    : tcpPacket({ ...message, payload, flags: kind === "syn" ? "S" : "PA" });
  return {
    facts: {
      ...{ kind, family: server.v6 ? "ipv6" : "ipv4", port: destinationPort, address: far, packet: place },
      direction: isIn ? "in" : "out",
      ...(kind !== "syn" && { host }),
    },
    packets: [...(isIn ? [empty(back)] : []), ...Array.from({ length: place - 1 }, () => empty(message)), last],
  };
}

function payloadOf(kind: MessageFacts["kind"], host: string): Uint8Array {
  switch (kind) {
    case "tls":
      return clientHello({ serverName: host });
    case "http":
      return httpRequest({ host });
    case "quic":
      return quicInitial({ serverName: host });
    case "dns": {
      const labels = host.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
      return Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1);
    }
    case "syn":
      return new Uint8Array(0);
  }
}

describe.each(BUILDS)("the rule of a message, %s build", (build: EngineBuild) => {
  let engine: Engine;
  let lane: Lane;
  const names = new QuicNames();
  beforeAll(async () => {
    engine = await engineOf(build);
    lane = engine.lane(0);
  });

  /** The table's rule that the engine takes for the last packet. */
  function ruleOf(packets: readonly Uint8Array[]): number {
    for (const packet of packets) {
      lane.place(0, packet);
      lane.work(1, 0, () => undefined, names);
    }
    return lane.meta(0).rule;
  }

  test("is the one that the profile's own look finds", () => {
    let matched = 0;
    let flows = 0;
    fc.assert(
      fc.property(anyProfile, fc.array(anyFacts, { minLength: 1, maxLength: 8 }), (text, drawn) => {
        const table = encodeRules(parseProfile(text));
        engine.loadRules(table);
        for (const one of drawn) {
          const { facts, packets } = sentOf(one, 6000 + (flows++ % 50_000));
          const expected = matchRule(table, facts);
          if (expected >= 0) matched++;
          expect({ facts, rule: ruleOf(packets) }).toEqual({ facts, rule: expected });
        }
      }),
      { numRuns: RUNS },
    );
    expect(matched).toBeGreaterThan(RUNS / 4);
  });
});

describe("lists as large as there may be", () => {
  const NAMES = 500_000;
  const PREFIXES = 100_000;
  const nameOf = (i: number): string => `s${i}.zone${i % 97}.example.org`;
  /** Half of each family, none touching another: those that touch would be one range. */
  const networkOf = (i: number): string => {
    const j = i >> 1;
    if (i % 2 === 0) return `100.${64 + (j >> 14)}.${(j >> 6) & 0xff}.${(j & 0x3f) << 2}/31`;
    return `2001:db8:${(j >> 7).toString(16)}:${((j & 0x7f) * 2).toString(16)}::/64`;
  };

  test(`the engine finds each of ${NAMES} names and ${PREFIXES} prefixes, and no others`, async () => {
    const lists: Readonly<Record<string, string>> = {
      names: Array.from({ length: NAMES }, (_, i) => nameOf(i)).join("\n"),
      prefixes: Array.from({ length: PREFIXES }, (_, i) => networkOf(i)).join("\n"),
    };
    const text = `[[rule]]\nname = "names"\nhosts_file = "names"\nstrategy = "tls: tos(4)"
      [[rule]]\nname = "prefixes"\naddresses_file = "prefixes"\nstrategy = "tls: tos(8)"`;
    const load = (path: string): Uint8Array => new TextEncoder().encode(lists[path] ?? "");
    const engine = await Engine.create({ warm: false });
    engine.loadRules(encodeRules(parseProfile(text, { load })));
    const lane = engine.lane(0);
    const ruleOf = (host: string, destination: string): number => {
      const source = destination.includes(":") ? "2001:db8::7" : "192.0.2.7";
      const ends = { source, destination, sourcePort: 4000, destinationPort: 443 };
      lane.place(0, tcpPacket({ ...ends, flags: "PA", payload: clientHello({ serverName: host }) }));
      lane.poll(0, 1, 0);
      return lane.meta(0).rule;
    };
    for (let i = 0; i < NAMES; i += 997) {
      expect([i, ruleOf(`www.${nameOf(i)}`, "192.0.2.1")]).toEqual([i, 0]);
      expect([i, ruleOf(`s${i}.zone${(i + 1) % 97}.example.org`, "192.0.2.1")]).toEqual([i, -1]);
    }
    for (let i = 0; i < PREFIXES; i += 211) {
      const address = networkOf(i).replace(/\/.*/, "");
      expect([i, ruleOf("x.example.org", address)]).toEqual([i, 1]);
    }
    for (const address of ["100.63.255.255", "100.64.0.2", "2001:db8:0:1::", "2001:db9::1", "192.0.2.1"]) {
      expect([address, ruleOf("x.example.org", address)]).toEqual([address, -1]);
    }
  });
});
