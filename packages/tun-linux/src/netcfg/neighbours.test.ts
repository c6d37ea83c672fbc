// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { failureOf, NetworkPair } from "../../test/network-pair.ts";
import { ip, runInside } from "../../test/witness.ts";
import { NetworkNamespace } from "../namespace.ts";

let net: NetworkPair;
beforeEach(() => {
  net = new NetworkPair();
  net.netlink.addAddress(net.a0, "192.0.2.1/24");
  net.netlink.addAddress(net.a0, "2001:db8::1/64", { noDad: true });
});
afterEach(() => net[Symbol.dispose]());

const MAC = "02:00:00:00:00:02";
const OTHER_MAC = "02:00:00:00:00:03";

/** What iproute2 tells of a0: address, hardware address, states. */
function seen(words = "all"): Set<string> {
  const entries = net.ip(`neigh show dev a0 nud ${words}`);
  const ours = entries.filter(({ lladdr }) => lladdr === MAC || lladdr === OTHER_MAC);
  return new Set(ours.map(({ dst, lladdr, state }) => [dst, lladdr, ...(state as string[])].join(" ")));
}

/** How such an entry reads. */
function line(address: string, state: string, mac = MAC): string {
  return `${address} ${mac} ${state}`;
}

/** Sends a packet that makes the kernel ask for a neighbour; there is none to answer. */
function ask(address: string): void {
  runInside(net.namespace, "sh", "-c", `ping -c 1 -W 0.001 ${address} || true`);
}

describe("RouteNetlink.addNeighbour()", () => {
  test("gives addresses their hardware addresses, in both families and every state", () => {
    net.netlink.addNeighbour(net.a0, { address: "192.0.2.2", mac: MAC });
    net.netlink.addNeighbour(net.a0, { address: "192.0.2.3", mac: MAC, state: "noarp" });
    net.netlink.addNeighbour(net.a0, { address: "192.0.2.4", mac: MAC, state: "reachable", protocol: 99 });
    net.netlink.addNeighbour(net.a0, { address: "2001:db8::2", mac: MAC, router: true });
    net.netlink.addNeighbour(net.a0, { address: "2001:db8::3", mac: MAC, state: "stale" });
    expect(seen()).toEqual(
      new Set([
        line("192.0.2.2", "PERMANENT"),
        line("192.0.2.3", "NOARP"),
        line("192.0.2.4", "REACHABLE"),
        line("2001:db8::2", "PERMANENT"),
        line("2001:db8::3", "STALE"),
      ]),
    );
    const router = net.ip("-6 neigh show 2001:db8::2 dev a0")[0];
    expect(router).toHaveProperty("router");
    const found = net.netlink.neighbours({ index: net.a0 }).filter(({ mac }) => mac === MAC);
    expect(new Set(found.map(({ address, state }) => line(address, state.toUpperCase())))).toEqual(seen());
    expect(found.find(({ address }) => address === "2001:db8::2")).toMatchObject({ router: true, proxy: false });
    expect(found.find(({ address }) => address === "192.0.2.4")).toMatchObject({ protocol: 99, index: net.a0 });
  });

  test("says what is wrong", () => {
    net.netlink.addNeighbour(net.a0, { address: "192.0.2.2", mac: MAC });
    expect(failureOf(() => net.netlink.addNeighbour(net.a0, { address: "192.0.2.2", mac: MAC })).code).toBe(
      "E_DEVICE_BUSY",
    );
    expect(failureOf(() => net.netlink.addNeighbour(4711, { address: "192.0.2.2", mac: MAC })).code).toBe(
      "E_DEVICE_GONE",
    );
    for (const [spec, message] of [
      [{ address: "192.0.2.9" }, "expected a hardware address, found none"],
      [{ address: "192.0.2.9", mac: "02" }, "expected six octets"],
      [{ address: "192.0.2.9", mac: MAC, state: "gone" as "stale" }, "neighbour state: expected one of"],
      [{ address: "192.0.2.300", mac: MAC }, "expected IPv4 or IPv6"],
    ] as const) {
      const error = failureOf(() => net.netlink.addNeighbour(net.a0, spec));
      expect([error.code, error.message]).toEqual(["E_DEVICE_OPTION", expect.stringContaining(message)]);
    }
  });
});

describe("RouteNetlink.replaceNeighbour() and removeNeighbour()", () => {
  test("change and remove what is there", () => {
    net.netlink.replaceNeighbour(net.a0, { address: "192.0.2.2", mac: MAC });
    net.netlink.replaceNeighbour(net.a0, { address: "192.0.2.2", mac: OTHER_MAC, state: "stale" });
    expect(seen()).toEqual(new Set([line("192.0.2.2", "STALE", OTHER_MAC)]));
    net.netlink.removeNeighbour(net.a0, "192.0.2.2");
    expect(net.netlink.neighbours({ index: net.a0 }).map(({ state }) => state)).not.toContain("stale");
    expect(failureOf(() => net.netlink.removeNeighbour(net.a0, "192.0.2.77")).code).toBe("E_DEVICE_MISSING");
  });
});

describe("RouteNetlink.neighbours()", () => {
  test("tells of neighbours that do not answer, and how often they were asked", () => {
    ask("192.0.2.99");
    const [entry] = net.netlink.neighbours({ index: net.a0, family: 4 });
    expect(entry).toMatchObject({ address: "192.0.2.99" });
    expect(["incomplete", "failed"]).toContain(entry?.state as string);
    expect(entry?.mac).toBeUndefined();
    expect(entry?.probes).toBeGreaterThan(0);
    expect(entry?.updatedMs).toBeLessThan(10_000);
  });

  test("tells of a neighbour that answered what iproute2 tells", () => {
    using other = NetworkNamespace.create();
    net.netlink.setLink(net.b0, { namespaceFd: other.fd });
    runInside(other, "sh", "-ec", "ip addr add 192.0.2.2/24 dev b0; ip link set b0 up");
    // The carrier of a pair that was just put up takes its time.
    net.run("ping -c 1 -i 0.2 -w 5 192.0.2.2");
    const [link] = ip(other, "link", "show", "dev", "b0");
    const [entry] = net.netlink.neighbours({ index: net.a0, family: 4 });
    expect(entry).toMatchObject({ address: "192.0.2.2", mac: link?.["address"] as string });
    const [witness] = net.ip("neigh show 192.0.2.2 dev a0");
    expect(witness).toMatchObject({ lladdr: entry?.mac as string, state: [entry?.state.toUpperCase()] });
    expect(entry?.confirmedMs).toBeLessThan(10_000);
  });

  test("filters by interface, family and state", () => {
    net.netlink.addAddress(net.b0, "198.51.100.1/24");
    net.netlink.addNeighbour(net.a0, { address: "192.0.2.2", mac: MAC });
    net.netlink.addNeighbour(net.a0, { address: "2001:db8::2", mac: MAC, state: "stale" });
    net.netlink.addNeighbour(net.b0, { address: "198.51.100.2", mac: MAC });
    const found = (filter: Parameters<typeof net.netlink.neighbours>[0]) =>
      net.netlink
        .neighbours(filter)
        .flatMap(({ address, mac }) => (mac === MAC ? [address] : []))
        .toSorted();
    expect(found({})).toEqual(["192.0.2.2", "198.51.100.2", "2001:db8::2"]);
    expect(found({ index: net.b0 })).toEqual(["198.51.100.2"]);
    expect(found({ family: 6 })).toEqual(["2001:db8::2"]);
    expect(found({ state: "permanent" })).toEqual(["192.0.2.2", "198.51.100.2"]);
    expect(found({ index: net.a0, family: 4, state: "stale" })).toEqual([]);
  });
});

describe("RouteNetlink.flushNeighbours()", () => {
  test("forgets what was learned, keeps what was set, takes a state that is named", () => {
    net.netlink.addNeighbour(net.a0, { address: "192.0.2.2", mac: MAC });
    net.netlink.addNeighbour(net.a0, { address: "192.0.2.3", mac: MAC, state: "stale" });
    net.netlink.addNeighbour(net.a0, { address: "2001:db8::3", mac: MAC, state: "stale" });
    net.netlink.flushNeighbours(net.a0, { family: 6 });
    expect(seen("permanent nud stale")).toEqual(new Set([line("192.0.2.2", "PERMANENT"), line("192.0.2.3", "STALE")]));
    net.netlink.flushNeighbours(net.a0);
    expect(seen("permanent nud stale")).toEqual(new Set([line("192.0.2.2", "PERMANENT")]));
    net.netlink.flushNeighbours(net.a0, { state: "permanent" });
    expect(seen("permanent nud stale")).toEqual(new Set());
  });
});

describe("RouteNetlink.addProxy() and removeProxy()", () => {
  test("answer in the place of an address, in both families", () => {
    for (const address of ["192.0.2.50", "2001:db8::50"]) net.netlink.addProxy(net.a0, address);
    net.netlink.addProxy(net.b0, "192.0.2.51");
    const proxies = () =>
      new Set([4, 6].flatMap((family) => net.ip(`-${family} neigh show proxy`)).map(({ dst }) => dst));
    expect(proxies()).toEqual(new Set(["192.0.2.50", "192.0.2.51", "2001:db8::50"]));
    const found = net.netlink.neighbours({ proxy: true, index: net.a0 });
    expect(found).toMatchObject([
      { address: "192.0.2.50", proxy: true, index: net.a0 },
      { address: "2001:db8::50", proxy: true, family: 6 },
    ]);
    expect(net.netlink.neighbours().filter(({ proxy }) => proxy)).toEqual([]);
    for (const { address } of found) net.netlink.removeProxy(net.a0, address);
    expect(proxies()).toEqual(new Set(["192.0.2.51"]));
    expect(failureOf(() => net.netlink.removeProxy(net.a0, "192.0.2.50")).code).toBe("E_DEVICE_MISSING");
  });
});
