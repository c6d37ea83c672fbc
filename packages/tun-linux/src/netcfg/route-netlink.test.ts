// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { DeviceError } from "@bunnel/device";
import { ip, runInside } from "../../test/witness.ts";
import { NetworkNamespace } from "../namespace.ts";
import { RouteNetlink } from "./route-netlink.ts";

let namespace: NetworkNamespace;
let netlink: RouteNetlink;
/** Index of one end of a pair that is up and has addresses of both families. */
let a0: number;

beforeEach(() => {
  namespace = NetworkNamespace.create();
  netlink = namespace.run(() => RouteNetlink.open());
  netlink.addVeth("a0", "b0", { mtuBytes: 1400 });
  a0 = indexOf("a0");
  netlink.setLink(a0, { ipv6LinkLocal: "none", up: true });
  netlink.setLink(indexOf("b0"), { ipv6LinkLocal: "none", up: true });
  netlink.addAddress(a0, "192.0.2.1/24");
  netlink.addAddress(a0, "2001:db8::1/64", { noDad: true });
});
afterEach(() => {
  netlink.close();
  namespace.close();
});

function indexOf(name: string): number {
  return netlink.link(name)?.index ?? 0;
}

/** The first address that the interface gets, undefined when none comes. */
async function firstAddress(index: number): Promise<string | undefined> {
  for (let i = 0; i < 500 && netlink.addresses(index).length === 0; i++) await Bun.sleep(10);
  return netlink.addresses(index)[0]?.address;
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof DeviceError) return error.code;
    throw error;
  }
  return "nothing";
}

describe("RouteNetlink links", () => {
  test("links() agrees with iproute2", () => {
    const expected = ip(namespace, "-d", "link").map((link) => [
      link["ifindex"],
      link["ifname"],
      link["mtu"],
      link["txqlen"],
      link["address"],
      (link["linkinfo"] as { info_kind?: string } | undefined)?.info_kind,
      (link["flags"] as string[]).includes("UP"),
    ]);
    const found: unknown[][] = netlink
      .links()
      .map((link) => [link.index, link.name, link.mtuBytes, link.txQueueLength, link.mac, link.kind, link.up]);
    expect(found).toEqual(expected);
    expect(found).toHaveLength(3);
  });

  test("link() finds by name and by index, and is undefined for what is not there", () => {
    expect(netlink.link("a0")).toEqual(netlink.link(a0));
    expect(netlink.link("none0")).toBeUndefined();
    expect(netlink.link(4711)).toBeUndefined();
  });

  test("setLink() renames, sizes and switches at once", () => {
    netlink.setLink(a0, { up: false, name: "c0", mtuBytes: 1300, txQueueLength: 77 });
    const [link] = ip(namespace, "link", "show", "c0");
    expect(link).toMatchObject({ ifindex: a0, mtu: 1300, txqlen: 77 });
    expect(link?.["flags"]).not.toContain("UP");
    expect(codeOf(() => netlink.setLink(a0, { name: "sixteen-octets-x" }))).toBe("E_DEVICE_OPTION");
    expect(codeOf(() => netlink.setLink(4711, { up: true }))).toBe("E_DEVICE_GONE");
  });

  test('setLink() with ipv6LinkLocal "none" keeps the kernel from giving an address, "system" lets it', async () => {
    netlink.addVeth("d0", "e0");
    const d0 = indexOf("d0");
    const e0 = indexOf("e0");
    netlink.setLink(d0, { ipv6LinkLocal: "none" });
    netlink.setLink(d0, { up: true });
    netlink.setLink(e0, { up: true });
    // The kernel gives it some time after the carrier came, to both ends that want one.
    expect(await firstAddress(e0)).toStartWith("fe80::");
    expect(netlink.addresses(d0)).toEqual([]);
    netlink.setLink(d0, { up: false, ipv6LinkLocal: "system" });
    netlink.setLink(d0, { up: true });
    expect(await firstAddress(d0)).toStartWith("fe80::");
  });

  test("addVeth() puts the peer into another namespace, setLink() moves one there", () => {
    using other = NetworkNamespace.create();
    netlink.addVeth("f0", "g0", { peerNamespaceFd: other.fd });
    expect(ip(other, "link").map(({ ifname }) => ifname)).toEqual(["lo", "g0"]);
    netlink.setLink(indexOf("f0"), { namespaceFd: other.fd });
    expect(netlink.link("f0")).toBeUndefined();
    expect(ip(other, "link").map(({ ifname }) => ifname)).toContain("f0");
  });

  test("addVeth() says E_DEVICE_BUSY for a name that is taken; deleteLink() removes both ends", () => {
    expect(codeOf(() => netlink.addVeth("a0", "h0"))).toBe("E_DEVICE_BUSY");
    netlink.deleteLink(a0);
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
    expect(codeOf(() => netlink.deleteLink(a0))).toBe("E_DEVICE_GONE");
  });

  test("addDummy() makes a dummy interface, or says that this kernel has none", () => {
    const code = codeOf(() => netlink.addDummy("dummy0"));
    expect(["nothing", "E_UNSUPPORTED"]).toContain(code);
    expect(netlink.link("dummy0")?.kind).toBe(code === "nothing" ? "dummy" : undefined);
  });
});

describe("RouteNetlink addresses", () => {
  test("addresses() agrees with iproute2", () => {
    netlink.addAddress(a0, "192.0.2.9", { peer: "203.0.113.1/32" });
    const found = netlink.addresses(a0).map(({ address, peer }) => peer ?? address);
    const infos = ip(namespace, "addr", "show", "dev", "a0")[0]?.["addr_info"];
    const expected = infos as { readonly local: string; readonly address?: string; readonly prefixlen: number }[];
    expect(found).toEqual(expected.map(({ local, address, prefixlen }) => `${address ?? local}/${prefixlen}`));
    expect(found).toEqual(["192.0.2.1/24", "203.0.113.1/32", "2001:db8::1/64"]);
    expect(netlink.addresses().length).toBeGreaterThan(found.length);
  });

  test("removeAddress() removes what addAddress() added, whatever its prefix", () => {
    netlink.removeAddress(a0, "192.0.2.1/24");
    netlink.removeAddress(a0, "2001:db8::1/64");
    expect(netlink.addresses(a0)).toEqual([]);
    netlink.addAddress(a0, "192.0.2.9", { peer: "203.0.113.1/32" });
    netlink.removeAddress(a0, "192.0.2.9", { peer: "203.0.113.1/32" });
    expect(ip(namespace, "addr", "show", "dev", "a0")[0]?.["addr_info"]).toEqual([]);
  });

  test("addAddress() says what is wrong", () => {
    expect(codeOf(() => netlink.addAddress(a0, "192.0.2.1/24"))).toBe("E_DEVICE_BUSY");
    expect(codeOf(() => netlink.addAddress(a0, "192.0.2.1/24", { peer: "2001:db8::1" }))).toBe("E_DEVICE_OPTION");
    expect(codeOf(() => netlink.addAddress(a0, "192.0.2.300/24"))).toBe("E_DEVICE_OPTION");
    expect(codeOf(() => netlink.addAddress(4711, "192.0.2.1/24"))).toBe("E_DEVICE_GONE");
  });
});

describe("RouteNetlink routes", () => {
  test("addRoute() writes what iproute2 and routes() read", () => {
    netlink.addRoute({
      destination: "203.0.113.0/24",
      gateway: "192.0.2.2",
      table: 4000,
      metric: 5,
      source: "192.0.2.1",
    });
    netlink.addRoute({ family: 4, index: a0, table: 4000 });
    netlink.addRoute({ destination: "203.0.113.128/25", type: "blackhole", table: 4000 });
    netlink.addRoute({ destination: "198.51.100.0/24", gateway: "203.0.113.77", index: a0, onlink: true, table: 4000 });
    expect(ip(namespace, "route", "show", "table", "4000")).toMatchObject([
      { dst: "default", dev: "a0", protocol: "static", scope: "link" },
      { dst: "198.51.100.0/24", gateway: "203.0.113.77", dev: "a0", flags: ["onlink"] },
      { dst: "203.0.113.0/24", gateway: "192.0.2.2", dev: "a0", metric: 5, prefsrc: "192.0.2.1" },
      { type: "blackhole", dst: "203.0.113.128/25" },
    ]);
    expect(netlink.routes({ table: 4000, family: 4 })).toMatchObject([
      { destination: "default", index: a0, type: "unicast", metric: 0 },
      { destination: "198.51.100.0/24", gateway: "203.0.113.77", index: a0 },
      { destination: "203.0.113.0/24", gateway: "192.0.2.2", index: a0, metric: 5, source: "192.0.2.1" },
      { destination: "203.0.113.128/25", type: "blackhole", table: 4000, family: 4 },
    ]);
  });

  test("the same in IPv6", () => {
    netlink.addRoute({ destination: "2001:db8:1::/48", gateway: "2001:db8::2", table: 4000, metric: 7 });
    netlink.addRoute({ family: 6, index: a0, table: 4000 });
    netlink.addRoute({ family: 6, type: "unreachable", table: 4000, metric: 4_000_000_000 });
    expect(ip(namespace, "-6", "route", "show", "table", "4000")).toMatchObject([
      { dst: "2001:db8:1::/48", gateway: "2001:db8::2", dev: "a0", metric: 7 },
      { dst: "default", dev: "a0", metric: 1024 },
      { type: "unreachable", dst: "default", metric: 4_000_000_000 },
    ]);
    expect(netlink.routes({ table: 4000 }).map(({ destination, type }) => [destination, type])).toEqual([
      ["2001:db8:1::/48", "unicast"],
      ["default", "unicast"],
      ["default", "unreachable"],
    ]);
  });

  test("routes() without a filter holds both families; a table that never was is empty", () => {
    const families = new Set(netlink.routes().map(({ family }) => family));
    expect(families).toEqual(new Set([4, 6]));
    expect(netlink.routes({ table: 4711 })).toEqual([]);
  });

  test("routes() tells the ways of a route that has several", () => {
    const ways = ["nexthop", "via", "192.0.2.2", "dev", "a0", "nexthop", "via", "192.0.2.3", "dev", "a0"];
    runInside(namespace, "ip", "route", "add", "default", ...ways);
    const route = netlink.routes({ family: 4 }).find(({ destination }) => destination === "default");
    expect(route?.hops).toEqual([
      { index: a0, gateway: "192.0.2.2", weight: 1 },
      { index: a0, gateway: "192.0.2.3", weight: 1 },
    ]);
  });

  test("addRoute() does not replace, replaceRoute() does, removeRoute() removes", () => {
    const route = { destination: "203.0.113.0/24", table: 4000 };
    netlink.addRoute({ ...route, gateway: "192.0.2.2" });
    expect(codeOf(() => netlink.addRoute({ ...route, gateway: "192.0.2.3" }))).toBe("E_DEVICE_BUSY");
    netlink.replaceRoute({ ...route, gateway: "192.0.2.3" });
    expect(ip(namespace, "route", "show", "table", "4000")).toMatchObject([{ gateway: "192.0.2.3" }]);
    netlink.removeRoute(route);
    expect(netlink.routes({ table: 4000 })).toEqual([]);
    expect(codeOf(() => netlink.removeRoute(route))).toBe("E_DEVICE_MISSING");
  });

  test("removeRoute() removes the one with the metric that was named", () => {
    for (const metric of [1, 2]) netlink.addRoute({ family: 4, index: a0, table: 4000, metric });
    netlink.removeRoute({ family: 4, table: 4000, metric: 2 });
    expect(netlink.routes({ table: 4000 }).map(({ metric }) => metric)).toEqual([1]);
    netlink.removeRoute({ family: 4, table: 4000, index: a0 });
    expect(netlink.routes({ table: 4000 })).toEqual([]);
  });

  test.each([
    [{}, "found none"],
    [{ destination: "2001:db8:1::/48", gateway: "192.0.2.2" }, "found both"],
    [{ destination: "192.0.2.1/24" }, 'as in "192.0.2.0/24"'],
    [{ destination: "192.0.2.0/24", gateway: "nowhere" }, 'found "nowhere"'],
  ])("addRoute(%j) is refused", (spec, message) => {
    expect(() => netlink.addRoute(spec)).toThrow(message);
  });

  test("routes of an interface go with it", () => {
    netlink.addRoute({ family: 4, index: a0, table: 4000 });
    netlink.deleteLink(a0);
    expect(netlink.routes({ table: 4000 })).toEqual([]);
  });
});

describe("RouteNetlink rules", () => {
  test.each([4, 6] as const)("addRule() writes what iproute2 and rules() read, IPv%d", (family) => {
    const from = family === 4 ? "192.0.2.0/25" : "2001:db8::/65";
    const to = family === 4 ? "203.0.113.9/32" : "2001:db8::9/128";
    netlink.addRule({ family, priority: 8998, mark: 0x4000, mask: 0x4000, table: 254 });
    netlink.addRule({ family, priority: 8999, table: 254, suppressPrefixLength: 0 });
    netlink.addRule({ family, priority: 9000, mark: 0x8000, mask: 0x8000, table: 4000 });
    netlink.addRule({ family, priority: 9001, inInterface: "lo", outInterface: "a0", from, to, table: 70000 });
    netlink.addRule({ family, priority: 9002, uidRange: [1000, 1999], goto: 9010 });
    netlink.addRule({ family, priority: 9010, mark: 0x80000000, table: 100 });
    const between = (priority: unknown) => Number(priority) > 8000 && Number(priority) < 9999;
    const [source] = from.split("/");
    const [destination] = to.split("/");
    const seen = ip(namespace, `-${family}`, "rule").filter(({ priority }) => between(priority));
    expect(seen).toMatchObject([
      { priority: 8998, src: "all", fwmark: "0x4000", fwmask: "0x4000", table: "main" },
      { priority: 8999, table: "main", suppress_prefixlen: 0 },
      { priority: 9000, fwmark: "0x8000", fwmask: "0x8000", table: "4000" },
      { priority: 9001, src: source, dst: destination, iif: "lo", oif: "a0", table: "70000" },
      { priority: 9002, uid_start: 1000, uid_end: 1999, goto: 9010 },
      { priority: 9010, fwmark: "0x80000000", table: "100" },
    ]);
    expect(netlink.rules(family).filter(({ priority }) => between(priority))).toMatchObject([
      { family, priority: 8998, mark: 0x4000, mask: 0x4000, table: 254, action: 1, invert: false },
      { priority: 8999, table: 254, suppressPrefixLength: 0 },
      { priority: 9000, mark: 0x8000, mask: 0x8000, table: 4000 },
      { priority: 9001, inInterface: "lo", outInterface: "a0", from, to, table: 70000 },
      { priority: 9002, uidRange: [1000, 1999], goto: 9010, action: 2 },
      { priority: 9010, mark: 0x80000000, mask: 0xffffffff, table: 100 },
    ]);
  });

  test("every rule that rules() gives can be removed as it was read", () => {
    const before = netlink.rules(4);
    netlink.addRule({ family: 4, priority: 9000, mark: 0x8000, mask: 0x8000, table: 4000 });
    netlink.addRule({ family: 4, priority: 9001, from: "192.0.2.0/24", uidRange: [1, 2], inInterface: "lo", table: 5 });
    netlink.addRule({ family: 4, priority: 9002, suppressPrefixLength: 0, table: 254 });
    for (const rule of netlink.rules(4)) {
      if (rule.priority >= 9000 && rule.priority < 9999) netlink.removeRule(rule);
    }
    expect(netlink.rules(4)).toEqual(before);
  });

  test("the very same rule twice is E_DEVICE_BUSY, a missing one has errno ENOENT", () => {
    const rule = { family: 4, priority: 9000, mark: 1, table: 4000 } as const;
    netlink.addRule(rule);
    expect(codeOf(() => netlink.addRule(rule))).toBe("E_DEVICE_BUSY");
    netlink.removeRule(rule);
    expect(() => netlink.removeRule(rule)).toThrow("ENOENT");
  });

  test.each([
    [{ family: 4, priority: 1 }, "found neither"],
    [{ family: 4, priority: 1, table: 1, goto: 2 }, "found both"],
    [{ family: 4, priority: 1, table: 1, from: "2001:db8::/32" }, "expected IPv4 prefixes"],
  ] as const)("addRule(%j) is refused", (spec, message) => {
    expect(() => netlink.addRule(spec)).toThrow(message);
  });
});

describe("RouteNetlink", () => {
  test("stays in the namespace where it was opened", () => {
    using other = NetworkNamespace.create();
    expect(other.run(() => netlink.link("a0"))?.index).toBe(a0);
  });

  test("without CAP_NET_ADMIN changes say E_DEVICE_DENIED, reading goes on", () => {
    const program = `import { RouteNetlink } from "${new URL("../index.ts", import.meta.url).pathname}";
      const netlink = RouteNetlink.open();
      try { netlink.addRoute({ family: 4, index: 1, table: 4000 }); } catch (error) { console.log(error.code); }
      console.log(netlink.link("lo").index);`;
    const user = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all"];
    const command = ["setpriv", ...user, process.execPath, "-e", program];
    const { stdout } = namespace.run(() => Bun.spawnSync(command, { env: { HOME: "/tmp" } }));
    expect(stdout.toString()).toBe("E_DEVICE_DENIED\n1\n");
  });
});
