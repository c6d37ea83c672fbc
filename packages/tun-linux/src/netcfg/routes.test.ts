// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { failureOf, NetworkPair } from "../../test/network-pair.ts";
import type { RouteSpec } from "./routes.ts";

let net: NetworkPair;
beforeEach(() => {
  net = new NetworkPair();
  net.netlink.addAddress(net.a0, "192.0.2.1/24");
  net.netlink.addAddress(net.a0, "2001:db8::1/64", { noDad: true });
});
afterEach(() => net[Symbol.dispose]());

const METRICS = {
  mtuBytes: 1300,
  mtuLocked: true,
  advertisedMssBytes: 1200,
  hopLimit: 9,
  windowBytes: 60_000,
  initialCongestionWindow: 20,
  initialReceiveWindow: 21,
  rtoMinMs: 300,
  quickAck: true,
  ecn: true,
  congestionControl: "reno",
};

/** Routes of a table as iproute2's own lines, which name everything. */
function lines(table: number, family = ""): string[] {
  const text = net.run(`ip ${family === "" ? "-4" : family} -d route show table ${table}`);
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim().replaceAll(/\s+/g, " ")]));
}

describe("RouteNetlink.addRoute()", () => {
  test.each([
    ["blackhole", "blackhole 203.0.113.0/24 proto static scope global"],
    ["unreachable", "unreachable 203.0.113.0/24 proto static scope global"],
    ["prohibit", "prohibit 203.0.113.0/24 proto static scope global"],
    ["throw", "throw 203.0.113.0/24 proto static scope global"],
  ] as const)("type %s, in both families", (type, line) => {
    net.netlink.addRoute({ destination: "203.0.113.0/24", type, table: 4000 });
    net.netlink.addRoute({ destination: "2001:db8:9::/48", type, table: 4000 });
    expect(lines(4000)).toEqual([line]);
    expect(lines(4000, "-6")[0]).toStartWith(`${type} 2001:db8:9::/48 dev lo proto static`);
    expect(net.netlink.routes({ table: 4000 }).map((route) => [route.family, route.type])).toEqual([
      [4, type],
      [6, type],
    ]);
  });

  test("type local makes a network this machine's own, in the table for that", () => {
    net.netlink.addRoute({ destination: "203.0.113.0/24", type: "local", index: 1 });
    net.netlink.addRoute({ destination: "2001:db8:9::/48", type: "local", index: 1 });
    expect(lines(255)).toContain("local 203.0.113.0/24 dev lo proto static scope host");
    expect(lines(255, "-6").some((line) => line.startsWith("local 2001:db8:9::/48 dev lo proto static"))).toBe(true);
    net.run("ping -c 1 -W 1 203.0.113.77");
    net.run("ping -c 1 -W 1 2001:db8:9::77");
  });

  test("protocol, scope and type of service", () => {
    net.netlink.addRoute({
      destination: "203.0.113.0/24",
      index: net.a0,
      table: 4000,
      protocol: 186,
      scope: "site",
      tos: 0x10,
    });
    expect(lines(4000)).toEqual(["unicast 203.0.113.0/24 tos 0x10 dev a0 proto bgp scope site"]);
    expect(net.netlink.routes({ table: 4000 })).toMatchObject([{ protocol: 186, scope: 200, tos: 0x10 }]);
  });

  test.each([
    [4, "203.0.113.0/24", "192.0.2.2"],
    [6, "2001:db8:9::/48", "2001:db8::2"],
  ] as const)("metrics, IPv%d", (family, destination, gateway) => {
    net.netlink.addRoute({ destination, gateway, table: 4000, metric: 7, metrics: METRICS });
    const [seen] = net.ip(`-${family} -d route show table 4000`);
    expect(seen).toMatchObject({
      dst: destination,
      gateway,
      metric: 7,
      metrics: [
        {
          mtu: 1300,
          advmss: 1200,
          hoplimit: 9,
          window: 60_000,
          initcwnd: 20,
          initrwnd: 21,
          rto_min: 300,
          quickack: 1,
          ecn: null,
          congestion: "reno",
        },
      ],
    });
    expect(lines(4000, `-${family}`)[0]).toContain("mtu lock 1300");
    expect(net.netlink.routes({ table: 4000 })[0]?.metrics).toEqual(METRICS);
  });

  test("source prefix, life and preference of IPv6 routes", () => {
    net.netlink.addRoute({
      destination: "2001:db8:9::/48",
      from: "2001:db8:a::/64",
      gateway: "2001:db8::2",
      table: 4000,
      expiresSeconds: 500,
      preference: "low",
      source: "2001:db8::1",
    });
    const [line] = lines(4000, "-6");
    expect(line).toStartWith("unicast 2001:db8:9::/48 from 2001:db8:a::/64 via 2001:db8::2 dev a0");
    expect(line).toContain("src 2001:db8::1");
    expect(line).toEndWith("pref low");
    expect(line).toMatch(/expires (500|49\d)sec/);
    const [route] = net.netlink.routes({ table: 4000 });
    expect(route).toMatchObject({ from: "2001:db8:a::/64", preference: "low", source: "2001:db8::1" });
    expect(route?.expiresSeconds).toBeWithin(490, 501);
  });

  test("an IPv4 route may lead by an IPv6 gateway", () => {
    net.netlink.addRoute({ destination: "203.0.113.0/24", gateway: "2001:db8::2", index: net.a0, table: 4000 });
    expect(net.ip("route show table 4000")).toMatchObject([
      { dst: "203.0.113.0/24", via: { family: "inet6", host: "2001:db8::2" }, dev: "a0" },
    ]);
    expect(net.netlink.routes({ table: 4000 })).toMatchObject([{ family: 4, gateway: "2001:db8::2" }]);
  });

  test("several ways with weights, flags and gateways of both families", () => {
    net.netlink.addRoute({
      destination: "203.0.113.0/24",
      table: 4000,
      hops: [
        { gateway: "192.0.2.2", weight: 256 },
        { gateway: "198.51.100.9", index: net.a0, onlink: true, weight: 3 },
        { gateway: "2001:db8::2", index: net.a0 },
        { index: net.b0 },
      ],
    });
    expect(net.ip("route show table 4000")[0]?.["nexthops"]).toMatchObject([
      { gateway: "192.0.2.2", dev: "a0", weight: 256 },
      { gateway: "198.51.100.9", dev: "a0", weight: 3, flags: ["onlink"] },
      { via: { family: "inet6", host: "2001:db8::2" }, dev: "a0", weight: 1 },
      { dev: "b0", weight: 1 },
    ]);
    expect(net.netlink.routes({ table: 4000 })[0]?.hops).toEqual([
      { index: net.a0, gateway: "192.0.2.2", weight: 256 },
      { index: net.a0, gateway: "198.51.100.9", weight: 3, onlink: true },
      { index: net.a0, gateway: "2001:db8::2", weight: 1 },
      { index: net.b0, weight: 1 },
    ]);
  });

  test("several ways in IPv6", () => {
    const hops = [{ gateway: "2001:db8::2", weight: 2 }, { gateway: "2001:db8::3" }];
    net.netlink.addRoute({ destination: "2001:db8:9::/48", table: 4000, hops });
    expect(net.ip("-6 route show table 4000")[0]?.["nexthops"]).toMatchObject([
      { gateway: "2001:db8::2", weight: 2 },
      { gateway: "2001:db8::3", weight: 1 },
    ]);
    expect(net.netlink.routes({ table: 4000 })[0]?.hops).toMatchObject([
      { gateway: "2001:db8::2", weight: 2 },
      { gateway: "2001:db8::3", weight: 1 },
    ]);
  });

  test("a way whose interface went down is told as dead, one without carrier as linkDown", () => {
    net.netlink.addRoute({
      destination: "203.0.113.0/24",
      table: 4000,
      hops: [{ gateway: "192.0.2.2" }, { index: net.b0 }],
    });
    net.netlink.setLink(net.b0, { up: false });
    // The kernel looks after a carrier that went in a thread of its own.
    while (net.netlink.link(net.a0)?.operState === "up") Bun.sleepSync(1);
    expect(net.netlink.routes({ table: 4000 })[0]?.hops).toMatchObject([
      { index: net.a0, linkDown: true },
      { index: net.b0, dead: true, linkDown: true },
    ]);
    net.netlink.addRoute({ destination: "198.51.100.0/24", gateway: "192.0.2.2", table: 4000 });
    expect(net.netlink.routes({ table: 4000, family: 4 })[0]).toMatchObject({ linkDown: true });
  });

  test.each([
    [{}, "found none"],
    [{ destination: "2001:db8:9::/48", gateway: "192.0.2.2" }, "found both"],
    [{ destination: "203.0.113.0/24", from: "2001:db8:9::/48" }, "found both"],
    [{ destination: "192.0.2.1/24" }, 'as in "192.0.2.0/24"'],
    [{ destination: "203.0.113.0/24", table: 0 }, "table: expected a whole number from 1"],
    [{ destination: "203.0.113.0/24", table: 2 ** 32 }, "table: expected"],
    [{ destination: "203.0.113.0/24", metric: -1 }, "metric: expected"],
    [{ destination: "203.0.113.0/24", protocol: 256 }, "route protocol: expected"],
    [{ destination: "203.0.113.0/24", type: "nat" as "local" }, "route type: expected one of"],
    [{ destination: "203.0.113.0/24", hops: [{ index: 1, weight: 0 }] }, "weight: expected"],
    [{ destination: "203.0.113.0/24", hops: [{ gateway: "nowhere" }] }, 'found "nowhere"'],
    [{ destination: "203.0.113.0/24", metrics: { mtuBytes: 1.5 } }, "mtuBytes: expected"],
  ] satisfies [RouteSpec, string][])("addRoute(%j) is refused", (spec, message) => {
    const error = failureOf(() => net.netlink.addRoute(spec));
    expect([error.code, error.message]).toEqual(["E_DEVICE_OPTION", expect.stringContaining(message)]);
  });

  test("what the kernel refuses comes with its words and the attribute's name", () => {
    const unreachable = failureOf(() =>
      net.netlink.addRoute({ destination: "198.51.100.0/24", gateway: "203.0.113.1" }),
    );
    expect(unreachable).toMatchObject({ errno: 101, explanation: "Nexthop has invalid gateway" });
    const twoWays = { destination: "203.0.113.0/24", gateway: "192.0.2.2", hops: [{ gateway: "192.0.2.3" }] };
    const { message } = failureOf(() => net.netlink.addRoute(twoWays));
    expect(message).toStartWith("route 203.0.113.0/24: RTM_NEWROUTE failed with EINVAL (");
  });
});

describe("RouteInfo", () => {
  const SPECS: readonly RouteSpec[] = [
    { destination: "203.0.113.0/24", gateway: "192.0.2.2", metric: 5, source: "192.0.2.1", tos: 4 },
    { destination: "203.0.113.0/25", gateway: "2001:db8::2", protocol: 99 },
    { destination: "203.0.113.0/26", gateway: "198.51.100.9", onlink: true, metrics: METRICS },
    { destination: "203.0.113.0/27", hops: [{ gateway: "192.0.2.2", weight: 7 }, { gateway: "192.0.2.3" }] },
    { destination: "203.0.113.0/28", type: "prohibit" },
    { family: 4 },
    { destination: "2001:db8:9::/48", gateway: "2001:db8::2", from: "2001:db8:a::/64", preference: "high" },
    { destination: "2001:db8:a::/48", hops: [{ gateway: "2001:db8::2" }, { gateway: "2001:db8::3" }] },
    { destination: "2001:db8:b::/48", type: "blackhole", metric: 9 },
    { family: 6, metrics: { mtuBytes: 1280 } },
  ];

  test("given back as a RouteSpec, makes the very same route, and removes it", () => {
    for (const spec of SPECS) {
      const isDirect = spec.gateway === undefined && spec.hops === undefined && spec.type === undefined;
      const index = isDirect || spec.gateway?.includes(":") || spec.onlink ? { index: net.a0 } : {};
      net.netlink.addRoute({ ...spec, ...index, table: 4000 });
    }
    const before = [lines(4000), lines(4000, "-6")];
    expect(before.map(({ length }) => length)).toEqual([8, 6]);
    const routes = net.netlink.routes({ table: 4000 });
    for (const route of routes) net.netlink.removeRoute(route);
    expect(net.netlink.routes({ table: 4000 })).toEqual([]);
    for (const route of routes) net.netlink.addRoute(route);
    expect([lines(4000), lines(4000, "-6")]).toEqual(before);
    expect(net.netlink.routes({ table: 4000 })).toEqual(routes);
  });
});

describe("RouteNetlink.routes()", () => {
  test("with an attribute that has no word here is told, removed, and not made again without it", () => {
    net.run("ip route add 203.0.113.0/24 via 192.0.2.2 realm 5 table 4000");
    const [route] = net.netlink.routes({ table: 4000 });
    if (!route) throw new Error("no route");
    expect(route.unread).toEqual([11]);
    const { code, message } = failureOf(() => net.netlink.addRoute(route));
    const expected = "expected only attributes that have a word here, found number 11";
    expect([code, message]).toEqual(["E_UNSUPPORTED", `route 203.0.113.0/24: ${expected}`]);
    net.netlink.removeRoute(route);
    expect(net.netlink.routes({ table: 4000 })).toEqual([]);
  });

  test("filters by family, table, interface, protocol and type, and all of them together", () => {
    net.netlink.addRoute({ destination: "203.0.113.0/24", index: net.a0, table: 4000, protocol: 99 });
    net.netlink.addRoute({ destination: "203.0.113.0/24", index: net.b0, table: 4001, protocol: 99 });
    net.netlink.addRoute({ destination: "203.0.113.0/25", type: "blackhole", table: 4000 });
    net.netlink.addRoute({ destination: "2001:db8:9::/48", index: net.a0, table: 4000, protocol: 99 });
    net.netlink.addRoute({ family: 4, hops: [{ index: net.a0 }, { index: net.b0 }], table: 4002, protocol: 99 });
    const count = (filter: Parameters<typeof net.netlink.routes>[0]) => net.netlink.routes(filter).length;
    expect(count({ table: 4000 })).toBe(3);
    expect(count({ protocol: 99 })).toBe(4);
    expect(count({ protocol: 99, family: 4 })).toBe(3);
    expect(count({ protocol: 99, index: net.b0 })).toBe(2);
    expect(count({ type: "blackhole" })).toBe(1);
    expect(count({ table: 4000, index: net.a0, protocol: 99, family: 4, type: "unicast" })).toBe(1);
    expect(count({ table: 4711 })).toBe(0);
    expect(count({ index: 4711 })).toBe(0);
  });

  test.each([4, 6] as const)("holds what iproute2 shows, whatever the table, IPv%d", (family) => {
    const names = new Map(net.netlink.links().map(({ index, name }) => [index, name]));
    const seen = () => net.ip(`-${family} route show table all`).map(({ dst, dev }) => [dst, dev].join(" "));
    const found = () =>
      net.netlink
        .routes({ family })
        .map(({ destination, index }) => [destination.replace(/\/(32|128)$/, ""), names.get(index ?? 0)].join(" "));
    // The kernel makes some of its routes a moment later: what counts is a look between two that are the same.
    let [before, ours, after] = [seen(), found(), seen()];
    while (before.join() !== after.join()) [before, ours, after] = [after, found(), seen()];
    expect(ours).toEqual(before);
    expect(ours.length).toBeGreaterThan(2);
  });

  test("leaves out what the kernel learned about single destinations", () => {
    net.netlink.addRoute({ destination: "2001:db8:9::/48", gateway: "2001:db8::2" });
    net.run("ip -6 route get 2001:db8:9::1");
    expect(net.netlink.routes().filter(({ destination }) => destination.startsWith("2001:db8:9::"))).toHaveLength(1);
  });
});

describe("RouteNetlink.appendRoute(), changeRoute() and removeRoute()", () => {
  const route = { destination: "203.0.113.0/24", table: 4000 };

  test("appendRoute() adds behind, in IPv6 as one more way", () => {
    net.netlink.addRoute({ ...route, gateway: "192.0.2.2" });
    net.netlink.appendRoute({ ...route, gateway: "192.0.2.3" });
    expect(net.ip("route show table 4000").map(({ gateway }) => gateway)).toEqual(["192.0.2.2", "192.0.2.3"]);
    const other = { destination: "2001:db8:9::/48", table: 4001 };
    net.netlink.addRoute({ ...other, gateway: "2001:db8::2" });
    net.netlink.appendRoute({ ...other, gateway: "2001:db8::3" });
    expect(net.netlink.routes({ table: 4001 })[0]?.hops).toHaveLength(2);
  });

  test("changeRoute() changes what is there and nothing else", () => {
    expect(failureOf(() => net.netlink.changeRoute({ ...route, gateway: "192.0.2.2" })).code).toBe("E_DEVICE_MISSING");
    net.netlink.addRoute({ ...route, gateway: "192.0.2.2" });
    net.netlink.changeRoute({ ...route, gateway: "192.0.2.3", metrics: { mtuBytes: 1300 } });
    expect(lines(4000)).toEqual(["unicast 203.0.113.0/24 via 192.0.2.3 dev a0 proto static scope global mtu 1300"]);
  });

  test("removeRoute() looks at type, gateway and protocol only when they are named", () => {
    net.netlink.addRoute({ ...route, type: "blackhole" });
    net.netlink.removeRoute(route);
    net.netlink.addRoute({ ...route, gateway: "192.0.2.2", protocol: 99 });
    expect(failureOf(() => net.netlink.removeRoute({ ...route, protocol: 98 })).code).toBe("E_DEVICE_MISSING");
    expect(failureOf(() => net.netlink.removeRoute({ ...route, gateway: "192.0.2.3" })).errno).toBe(3);
    expect(failureOf(() => net.netlink.removeRoute({ ...route, type: "blackhole" })).errno).toBe(3);
    net.netlink.removeRoute({ ...route, protocol: 99, gateway: "192.0.2.2", type: "unicast" });
    expect(lines(4000)).toEqual([]);
  });
});
