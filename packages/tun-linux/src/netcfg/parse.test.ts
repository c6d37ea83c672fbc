// needs root: network namespaces
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NetworkPair } from "../../test/network-pair.ts";
import { failureOf, NetlinkSocket, parseAttributeList, parseMessages, type ReceivedMessage } from "../netlink/index.ts";
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR } from "../netlink/index.ts";
import { dumpAddresses, parseAddressInfo } from "./addresses.ts";
import { dumpLinks, parseLink } from "./links.ts";
import { dumpNeighbours, parseNeighbour } from "./neighbours.ts";
import { encodeHops, parseHops } from "./route-hops.ts";
import { parseMetrics } from "./route-metrics.ts";
import { dumpRoutes, parseRoute } from "./routes.ts";
import { dumpRules, parseRule } from "./rules.ts";

const message = (payload: Uint8Array, type = 0, flags = 0): ReceivedMessage => {
  return { type, flags, sequence: 1, port: 0, payload };
};

/** Everything that reads octets which came from a socket. */
const READERS: Readonly<Record<string, (octets: Uint8Array) => unknown>> = {
  parseMessages,
  parseAttributeList,
  parseLink: (octets) => parseLink(message(octets)),
  parseAddressInfo: (octets) => parseAddressInfo(message(octets)),
  parseRoute: (octets) => parseRoute(message(octets)),
  parseRule: (octets) => parseRule(message(octets)),
  parseNeighbour: (octets) => parseNeighbour(message(octets)),
  parseHops,
  parseMetrics,
  "failureOf with the request": (octets) => failureOf(message(octets, NLMSG_ERROR, NLM_F_ACK_TLVS)),
  "failureOf without the request": (octets) => failureOf(message(octets, NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED)),
  "failureOf of a dump": (octets) => failureOf(message(octets, NLMSG_DONE, NLM_F_ACK_TLVS)),
};

/** Payloads that the kernel really sent, by reader. */
let real: Readonly<Record<string, readonly Uint8Array[]>> = {};
let net: NetworkPair;

beforeAll(() => {
  net = new NetworkPair();
  const { netlink, a0, b0 } = net;
  netlink.addLink({ kind: "bridge", name: "br0" });
  netlink.setLink(b0, { alias: "left", master: net.indexOf("br0") });
  net.run("ip link property add dev a0 altname another-name");
  net.run("ip tuntap add dev t0 mode tap");
  netlink.addAddress(a0, "192.0.2.1/24", { label: "a0:x", broadcast: "auto", validSeconds: 500, metric: 7 });
  netlink.addAddress(a0, "192.0.2.9", { peer: "203.0.113.1/30" });
  netlink.addAddress(a0, "2001:db8::1/64", { noDad: true, protocol: 9 });
  const hops = [
    { index: a0, gateway: "192.0.2.2", weight: 3 },
    { index: a0, gateway: "2001:db8::2" },
  ];
  netlink.addRoute({ destination: "203.0.113.0/25", hops, metrics: { mtuBytes: 1300, congestionControl: "reno" } });
  netlink.addRoute({ family: 6, gateway: "2001:db8::2", from: "2001:db8:9::/48", expiresSeconds: 99 });
  netlink.addRule({
    family: 4,
    priority: 9000,
    table: 9,
    mark: 1,
    sourcePorts: [1, 2],
    uidRange: [3, 4],
    from: "192.0.2.0/24",
  });
  netlink.addRule({ family: 6, priority: 9001, goto: 9002, inInterface: "a0", suppressInterfaceGroup: 5 });
  netlink.addNeighbour(a0, { address: "192.0.2.2", mac: "02:00:00:00:00:02" });
  using socket = net.namespace.run(() => NetlinkSocket.open(0));
  const payloads = (...requests: Parameters<typeof socket.dump>[0][]) =>
    requests.flatMap((request) => socket.dump(request).map(({ payload }) => payload));
  real = {
    parseLink: payloads(dumpLinks()),
    parseAddressInfo: payloads(dumpAddresses(0)),
    parseRoute: payloads(dumpRoutes(4, {}), dumpRoutes(6, {})),
    parseRule: payloads(dumpRules(4), dumpRules(6)),
    parseNeighbour: payloads(dumpNeighbours(4, {})),
  };
});
afterAll(() => net[Symbol.dispose]());

/** The same octets between others that differ: a reader that looks beyond its own gives itself away. */
function between(octets: Uint8Array, filler: number): Uint8Array {
  const whole = new Uint8Array(octets.length + 128).fill(filler);
  whole.set(octets, 64);
  return whole.subarray(64, 64 + octets.length);
}

function readsOnly(reader: (octets: Uint8Array) => unknown, octets: Uint8Array): void {
  const seen = reader(between(octets, 0));
  expect(reader(between(octets, 0xff))).toEqual(seen);
  expect(reader(Uint8Array.from(octets))).toEqual(seen);
}

/** A netlink attribute whose length may lie. */
const attribute = fc
  .record({ type: fc.nat(70), value: fc.uint8Array({ maxLength: 40 }), lie: fc.constantFrom(0, 0, 0, 1, -1, 60_000) })
  .map(({ type, value, lie }) => {
    const octets = new Uint8Array(4 + ((value.length + 3) & ~3));
    const view = new DataView(octets.buffer);
    view.setUint16(0, (4 + value.length + lie) & 0xffff, true);
    view.setUint16(2, type, true);
    octets.set(value, 4);
    return octets;
  });

const anyMessage = fc
  .tuple(fc.uint8Array({ minLength: 0, maxLength: 20 }), fc.array(attribute, { maxLength: 12 }))
  .map(([header, attributes]) => Uint8Array.from([...header, ...attributes.flatMap((octets) => [...octets])]));

describe.each(Object.entries(READERS))("%s", (name, reader) => {
  test("bears any octets, and reads none that are not its own", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), anyMessage), (octets) => readsOnly(reader, octets)),
      { numRuns: 1000 },
    );
  });

  test("bears what the kernel sent, cut short and changed", () => {
    const seeds = real[name] ?? real["parseRoute"] ?? [];
    expect(seeds.length).toBeGreaterThan(0);
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.nat(), changes, (seed, length, list) => {
        const octets = seed.slice(0, seed.length - (length % 3 === 0 ? 0 : length % seed.length));
        for (const [at, value] of list) if (octets.length > 0) octets[at % octets.length] = value;
        readsOnly(reader, octets);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the kernel's own messages", () => {
  test("are all understood", () => {
    const parsed = (name: string) => (real[name] ?? []).map((octets) => READERS[name]?.(octets));
    expect(parsed("parseLink").filter((link) => link === undefined)).toEqual([]);
    expect(parsed("parseAddressInfo").filter((address) => address === undefined)).toEqual([]);
    expect(parsed("parseRoute").filter((route) => route === undefined)).toEqual([]);
    expect(parsed("parseRule").filter((rule) => rule === undefined)).toEqual([]);
  });
});

describe("parseHops()", () => {
  test("reads back what encodeHops() wrote", () => {
    const hop = fc.record({
      index: fc.nat(0x7fffffff),
      gateway: fc.constantFrom("192.0.2.1", "203.0.113.255", "2001:db8::1"),
      weight: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(4 as const, 6 as const), fc.array(hop, { maxLength: 8 }), (family, hops) => {
        expect(parseHops(encodeHops(family, hops))).toEqual(hops);
      }),
    );
  });
});
