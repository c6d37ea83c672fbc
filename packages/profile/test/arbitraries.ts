// Strategies, hosts and profiles of every shape, for properties.
import { HOST_MAX_BYTES, OPS_MAX, POINTS_MAX, REPEATS_MAX } from "@bunnel/abi";
import fc from "fast-check";
import {
  KINDS,
  markersOf,
  PRESETS,
  readRuleStrategy,
  type Clause,
  type Fake,
  type Kind,
  type Operation,
  type Point,
  type PortRange,
  type Profile,
  type Rule,
  type Strategy,
} from "../src/index.ts";

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,7}$/);

/** Names under example.org, some of them as long as names can be. */
export const anyHostName: fc.Arbitrary<string> = fc.oneof(
  { weight: 9, arbitrary: fc.array(label, { maxLength: 4 }).map((labels) => [...labels, "example.org"].join(".")) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 63 }).map(longName) },
);

/** A name of HOST_MAX_BYTES octets whose first label has `first` of them. */
function longName(first: number): string {
  const tail = `.${"a".repeat(50)}.${"b".repeat(60)}.${"c".repeat(60)}.example.org`;
  const middle = HOST_MAX_BYTES - tail.length - first - 1;
  return `${"x".repeat(first)}.${"y".repeat(Math.min(middle, 63))}${tail}`;
}

function anyPoint(kind: Kind): fc.Arbitrary<Point> {
  const offset = fc.oneof(fc.integer({ min: -40, max: 40 }), fc.constantFrom(-0x8000, 0x7fff));
  return fc.oneof(
    offset.filter((value) => value !== 0).map((value): Point => ({ marker: "absolute", offset: value })),
    fc.record({ marker: fc.constantFrom(...markersOf(kind)), offset }),
  );
}

const anyFake: fc.Arbitrary<Fake> = fc
  .record(
    {
      technique: fc.constant("fake" as const),
      decoy: fc.oneof(
        anyHostName.map((name) => ({ content: "name" as const, name })),
        fc.constant({ content: "zeros" as const }),
      ),
      ttl: fc.integer({ min: 1, max: 255 }),
      badsum: fc.boolean(),
      repeats: fc.integer({ min: 1, max: REPEATS_MAX }),
    },
    { requiredKeys: ["technique", "decoy", "badsum", "repeats"], noNullPrototype: true },
  )
  .filter(({ ttl, badsum }) => ttl !== undefined || badsum);

function anyOperation(kind: Kind): fc.Arbitrary<Operation> {
  const points = fc.uniqueArray(anyPoint(kind), {
    minLength: 1,
    maxLength: POINTS_MAX,
    selector: ({ marker, offset }) => `${marker} ${offset}`,
  });
  return fc.oneof(
    points.map((found): Operation => ({ technique: "split", points: found })),
    fc.constant<Operation>({ technique: "disorder" }),
    anyFake,
  );
}

function anyClause(kind: Kind): fc.Arbitrary<Clause> {
  return fc
    .array(anyOperation(kind), { maxLength: OPS_MAX })
    .filter((operations) => {
      const split = operations.findIndex(({ technique }) => technique === "split");
      return operations.every(({ technique }, index) => technique !== "disorder" || (split >= 0 && split < index));
    })
    .map((operations) => ({ kind, operations }));
}

export const anyStrategy: fc.Arbitrary<Strategy> = fc
  .subarray([...KINDS], { minLength: 1 })
  .chain((kinds) => fc.tuple(...kinds.map(anyClause)))
  .map((clauses) => ({ clauses }));

const anyPorts: fc.Arbitrary<PortRange> = fc
  .tuple(fc.integer({ min: 1, max: 65535 }), fc.integer({ min: 0, max: 300 }))
  .map(([first, more]) => ({ first, last: Math.min(first + more, 65535) }));

const anyRuleStrategy = fc.oneof(
  anyStrategy.map((strategy) => ({ strategy })),
  fc.constantFrom(...PRESETS).map(({ name }) => readRuleStrategy(`preset:${name}`)),
);

const anyRule: fc.Arbitrary<Rule> = fc
  .tuple(
    fc.record(
      {
        name: fc.stringMatching(/^[\w"'\\#\u00e9](?:[ \w"'\\#=[\]\u00e9]{0,20}[\w"'\\#])?$/),
        enabled: fc.boolean(),
        priority: fc.integer({ min: -5, max: 5 }),
        hosts: fc.uniqueArray(
          fc.oneof(
            anyHostName,
            anyHostName.map((name) => `=${name}`),
          ),
          { maxLength: 8 },
        ),
        ports: fc.array(anyPorts, { maxLength: 7 }),
        families: fc.subarray(["ipv4" as const, "ipv6" as const], { minLength: 1 }),
      },
      { noNullPrototype: true },
    ),
    anyRuleStrategy,
  )
  .map(([rule, strategy]) => ({ ...rule, ...strategy }));

export const anyProfile: fc.Arbitrary<Profile> = fc.record(
  {
    version: fc.constant(1 as const),
    interception: fc.record(
      {
        method: fc.constantFrom("auto" as const, "nft" as const, "rules" as const),
        uplinks: fc.array(fc.constantFrom("eth0", "wlan0", "br-1.2"), { maxLength: 2 }),
        exclude: fc.array(fc.constantFrom("203.0.113.0/24", "192.0.2.7/32", "2001:db8::/32"), { maxLength: 3 }),
      },
      { noNullPrototype: true },
    ),
    device: fc.record(
      {
        name: fc.constantFrom("bunnel0", "bunnel%d"),
        address: fc.constantFrom("10.0.85.1", "192.0.2.1"),
        netmask: fc.constantFrom("255.255.255.0", "255.255.255.252"),
        mtuBytes: fc.constantFrom(0, 576, 1500, 65535),
      },
      { noNullPrototype: true },
    ),
    limits: fc.record(
      {
        maxFlows: fc.integer({ min: 1, max: 114_688 }),
        maxQueueSize: fc.integer({ min: 1, max: 1_000_000 }),
        flowTimeoutSeconds: fc.integer({ min: 1, max: 86_400 }),
      },
      { noNullPrototype: true },
    ),
    rules: fc.uniqueArray(anyRule, { maxLength: 6, selector: ({ name }) => name }),
  },
  { noNullPrototype: true },
);
