// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { failureOf, NetworkPair } from "../../test/network-pair.ts";
import { typeOfErrno, type RouteQuery } from "./route-lookup.ts";

let net: NetworkPair;
beforeEach(() => {
  net = new NetworkPair();
  net.netlink.addAddress(net.a0, "192.0.2.1/24");
  net.netlink.addAddress(net.b0, "198.51.100.1/24");
  net.netlink.addAddress(net.a0, "2001:db8::1/64", { noDad: true });
  net.netlink.addRoute({ family: 4, gateway: "192.0.2.254" });
  net.netlink.addRoute({ family: 6, gateway: "2001:db8::fe" });
  net.netlink.addRoute({ family: 4, index: net.b0, table: 4000 });
  net.netlink.addRoute({ family: 6, index: net.b0, table: 4000 });
});
afterEach(() => net[Symbol.dispose]());

/** By which interface, gateway and source address iproute2 says that a packet goes. */
function witness(words: string) {
  const [seen] = net.ip(`route get ${words}`);
  const text = (key: string) => seen?.[key] as string | undefined;
  return { dev: text("dev"), gateway: text("gateway"), source: text("prefsrc") };
}

function lookup(query: RouteQuery) {
  const { route } = net.netlink.lookupRoute(query);
  const dev = route?.index === undefined ? undefined : net.netlink.link(route.index)?.name;
  return { dev, gateway: route?.gateway, source: route?.source };
}

describe("RouteNetlink.lookupRoute()", () => {
  test.each([
    ["203.0.113.9", "192.0.2.254"],
    ["2001:db8:9::9", "2001:db8::fe"],
  ])("%s goes by the gateway, and the answer says from which table and source", (destination, gateway) => {
    expect(lookup({ destination })).toEqual(witness(destination));
    expect(net.netlink.lookupRoute({ destination })).toMatchObject({
      type: "unicast",
      route: { gateway, index: net.a0, table: 254 },
    });
  });

  test.each([
    [4, "203.0.113.9", "192.0.2.1"],
    [6, "2001:db8:9::9", "2001:db8::1"],
  ] as const)("each part of the question counts, IPv%d", (family, destination, source) => {
    const rules = [
      { mark: 0x8000, mask: 0x8000 },
      { uidRange: [4242, 4242] },
      { ipProtocol: 6, sourcePorts: [1000, 1999] },
      { ipProtocol: 17, destinationPorts: [53, 53] },
      { outInterface: "b0" },
      { from: source, tos: 0x10 },
    ] as const;
    const queries: [Partial<RouteQuery>, string][] = [
      [{ mark: 0x8001 }, "mark 0x8001"],
      [{ uid: 4242 }, "uid 4242"],
      [{ protocol: 6, sourcePort: 1500, destinationPort: 443 }, "ipproto tcp sport 1500 dport 443"],
      [{ protocol: 17, sourcePort: 5, destinationPort: 53 }, "ipproto udp sport 5 dport 53"],
      [{ outIndex: net.b0 }, "oif b0"],
      [{ source, tos: 0x10 }, `from ${source} tos 0x10`],
    ];
    expect(lookup({ destination }).dev).toBe("a0");
    for (const [i, rule] of rules.entries()) {
      net.netlink.addRule({ family, priority: 9000, table: 4000, ...rule });
      const [query, words] = queries[i] ?? [{}, ""];
      expect([words, lookup({ destination, ...query }).dev]).toEqual([words, "b0"]);
      expect([words, lookup({ destination, ...query }).dev]).toEqual([words, witness(`${destination} ${words}`).dev]);
      expect([words, lookup({ destination }).dev]).toEqual([words, "a0"]);
      net.netlink.removeRule({ family, priority: 9000, table: 4000, ...rule });
    }
  });

  test("a packet that comes in is asked about with the interface and its source", () => {
    const query = { destination: "203.0.113.9", source: "198.51.100.7", inIndex: net.b0 };
    expect(net.netlink.lookupRoute(query)).toEqual({ type: "unreachable" });
    net.run("sysctl -q -w net.ipv4.ip_forward=1");
    expect(lookup(query)).toMatchObject({ dev: "a0", gateway: "192.0.2.254" });
    expect(witness("203.0.113.9 from 198.51.100.7 iif b0")).toMatchObject({ dev: "a0", gateway: "192.0.2.254" });
  });

  test("this machine's own addresses are local, a network's last one is broadcast", () => {
    expect(net.netlink.lookupRoute({ destination: "192.0.2.1" })).toMatchObject({ type: "local", route: { index: 1 } });
    // The kernel makes the local route of an IPv6 address a moment after the address.
    while (net.ip("-6 route show table local 2001:db8::1").length === 0) Bun.sleepSync(1);
    expect(net.netlink.lookupRoute({ destination: "2001:db8::1" }).type).toBe("local");
    expect(net.netlink.lookupRoute({ destination: "192.0.2.255" }).type).toBe("broadcast");
  });

  test.each([
    ["203.0.113.9", "203.0.113.0/24"],
    ["2001:db8:9::9", "2001:db8:9::/48"],
  ])("says why a packet to %s goes nowhere", (destination, prefix) => {
    for (const type of ["blackhole", "unreachable", "prohibit"] as const) {
      net.netlink.replaceRoute({ destination: prefix, type, metric: 5 });
      expect(net.netlink.lookupRoute({ destination })).toEqual({ type });
      net.netlink.removeRoute({ destination: prefix, metric: 5 });
    }
    net.netlink.removeRoute({ family: prefix.includes(":") ? 6 : 4, destination: "default" });
    expect(net.netlink.lookupRoute({ destination })).toEqual({ type: "none" });
    net.netlink.addRoute({ destination: prefix, type: "throw" });
    expect(net.netlink.lookupRoute({ destination })).toEqual({ type: "none" });
  });

  test("a blackhole is told from a source address that is not ours", () => {
    net.netlink.addRoute({ destination: "203.0.113.0/24", type: "blackhole" });
    expect(net.netlink.lookupRoute({ destination: "203.0.113.9", source: "192.0.2.1" })).toEqual({ type: "blackhole" });
    // Before Linux 5.10 both have the same errno, and the question is refused; now it has no answer.
    expect(net.netlink.lookupRoute({ destination: "203.0.113.9", source: "192.0.2.77" })).toEqual({ type: "none" });
    expect([typeOfErrno(22, true), typeOfErrno(22, false)]).toEqual(["blackhole", undefined]);
  });

  test("wrong questions are refused", () => {
    const destination = "203.0.113.9";
    expect(failureOf(() => net.netlink.lookupRoute({ destination, outIndex: 4711 })).code).toBe("E_DEVICE_GONE");
    expect(failureOf(() => net.netlink.lookupRoute({ destination, source: "2001:db8::1" })).message).toContain(
      "expected the family of",
    );
    expect(failureOf(() => net.netlink.lookupRoute({ destination, destinationPort: 0 })).message).toContain(
      "destinationPort: expected a whole number from 1 to 65535",
    );
  });
});
