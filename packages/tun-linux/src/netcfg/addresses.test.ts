// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { failureOf, NetworkPair, type Json } from "../../test/network-pair.ts";
import type { AddressInfo } from "./addresses.ts";

const FOREVER = 0xffffffff;

let net: NetworkPair;
beforeEach(() => {
  net = new NetworkPair();
});
afterEach(() => net[Symbol.dispose]());

/** iproute2's view of the addresses of a0. */
function seen(): Json[] {
  const infos = net.ip("-d addr show dev a0")[0]?.["addr_info"] as Json[];
  return infos.filter((info) => Object.keys(info).length > 0);
}

/** The same attributes as iproute2 tells them. */
function asWitnessed(info: AddressInfo): Json {
  const [local, length] = info.address.split("/");
  const [peer, peerLength] = info.peer?.split("/") ?? [];
  const has = (flag: AddressInfo["flagNames"][number]) => info.flagNames.includes(flag);
  return {
    family: info.family === 4 ? "inet" : "inet6",
    local,
    prefixlen: Number(peerLength ?? length),
    ...(peer === undefined ? {} : { address: peer }),
    ...(info.broadcast === undefined ? {} : { broadcast: info.broadcast }),
    ...(info.label === undefined ? {} : { label: info.label }),
    ...(info.metric === undefined ? {} : { metric: info.metric }),
    scope: { 0: "global", 200: "site", 253: "link", 254: "host" }[info.scope] ?? String(info.scope),
    valid_life_time: info.validSeconds ?? FOREVER,
    preferred_life_time: info.preferredSeconds ?? FOREVER,
    ...(has("secondary") ? { secondary: true } : {}),
    ...(has("noDad") ? { nodad: true } : {}),
    ...(has("home") ? { home: true } : {}),
    ...(has("manageTemporary") ? { mngtmpaddr: true } : {}),
    ...(has("noPrefixRoute") ? { noprefixroute: true } : {}),
    ...(has("autoJoin") ? { autojoin: true } : {}),
    ...(has("deprecated") ? { deprecated: true } : {}),
    ...(has("permanent") ? {} : { dynamic: true }),
  };
}

describe("AddressInfo", () => {
  test("agrees with iproute2 in every attribute", () => {
    net.run("ip addr add 192.0.2.1/24 brd 192.0.2.255 dev a0 label a0:one metric 55");
    net.run("ip addr add 198.51.100.2/24 dev a0 scope link noprefixroute");
    net.run("ip addr add 192.0.2.9 peer 203.0.113.1/30 dev a0 valid_lft 5000 preferred_lft 4000");
    net.run("ip addr add 192.0.2.3/24 dev a0");
    net.run("ip -6 addr add 2001:db8::1/64 dev a0 nodad home mngtmpaddr noprefixroute");
    net.run("ip -6 addr add 2001:db8::2/128 dev a0 nodad valid_lft 5000 preferred_lft 0");
    net.run("ip -6 addr add 2001:db8::3 peer 2001:db8:1::1/64 dev a0 nodad");
    const found = net.netlink.addresses(net.a0).map(asWitnessed);
    expect(found).toHaveLength(7);
    // A lifetime of the two readings may differ by a second.
    const rounded = (all: readonly Json[]) =>
      all.map((info) => ({ ...info, valid_life_time: Math.round(Number(info["valid_life_time"]) / 10) }));
    expect(rounded(seen())).toMatchObject(rounded(found));
    expect(found.some((info) => info["secondary"] === true)).toBe(true);
    expect(found.some((info) => info["deprecated"] === true)).toBe(true);
  });

  test("tells when an address came and last changed, on the clock of /proc/uptime", () => {
    net.netlink.addAddress(net.a0, "192.0.2.1/24");
    const uptimeMs = Number(net.run("cat /proc/uptime").split(" ")[0]) * 1000;
    const [info] = net.netlink.addresses(net.a0);
    expect(info?.createdMs).toBeLessThanOrEqual(uptimeMs + 20);
    expect(info?.createdMs).toBeGreaterThan(uptimeMs - 10_000);
    expect(info?.updatedMs).toBe(info?.createdMs);
  });

  test("tells of one interface, or of all", () => {
    net.netlink.addAddress(net.a0, "192.0.2.1/24");
    net.netlink.addAddress(net.b0, "192.0.2.2/24");
    expect(net.netlink.addresses(net.b0).map(({ address }) => address)).toEqual(["192.0.2.2/24"]);
    const all = net.netlink.addresses().map(({ address }) => address);
    expect(new Set(all)).toEqual(new Set(["127.0.0.1/8", "192.0.2.1/24", "192.0.2.2/24", "::1/128"]));
  });
});

describe("RouteNetlink.addAddress()", () => {
  test("gives IPv4 addresses all that they are asked for", () => {
    net.netlink.addAddress(net.a0, "192.0.2.1/24", {
      broadcast: "auto",
      label: "a0:one",
      scope: "site",
      metric: 55,
      validSeconds: 5000,
      preferredSeconds: 4000,
    });
    net.netlink.addAddress(net.a0, "198.51.100.1/26", { broadcast: "auto", noPrefixRoute: true });
    net.netlink.addAddress(net.a0, "192.0.2.65", { peer: "203.0.113.1/30", broadcast: "203.0.113.7" });
    expect(seen()).toMatchObject([
      { local: "192.0.2.1", prefixlen: 24, broadcast: "192.0.2.255", label: "a0:one", scope: "site", metric: 55 },
      { local: "198.51.100.1", broadcast: "198.51.100.63", noprefixroute: true },
      { local: "192.0.2.65", address: "203.0.113.1", prefixlen: 30, broadcast: "203.0.113.7" },
    ]);
    const [first] = seen();
    expect(first?.["valid_life_time"]).toBeWithin(4900, 5001);
    expect(first?.["preferred_life_time"]).toBeWithin(3900, 4001);
    const routes = net.ip("route show dev a0").map(({ dst, metric }) => [dst, metric]);
    expect(routes).toEqual([
      ["192.0.2.0/24", 55],
      ["203.0.113.0/30", undefined],
    ]);
  });

  test("gives IPv6 addresses all that they are asked for", () => {
    net.netlink.addAddress(net.a0, "2001:db8::1/64", {
      noDad: true,
      home: true,
      manageTemporary: true,
      noPrefixRoute: true,
      validSeconds: 5000,
    });
    net.netlink.addAddress(net.a0, "2001:db8:1::1", { peer: "2001:db8:2::/64", noDad: true });
    expect(seen()).toMatchObject([
      { local: "2001:db8:1::1", address: "2001:db8:2::", prefixlen: 64, nodad: true },
      { local: "2001:db8::1", prefixlen: 64, nodad: true, home: true, mngtmpaddr: true, noprefixroute: true },
    ]);
    const last = seen().find(({ local }) => local === "2001:db8::1");
    expect(last?.["preferred_life_time"]).toBe(last?.["valid_life_time"] as number);
    expect(net.ip("-6 route show dev a0").map(({ dst }) => dst)).toEqual(["2001:db8:1::/64", "2001:db8:2::"]);
  });

  test("without noDad an IPv6 address is tentative at first", async () => {
    net.netlink.addAddress(net.a0, "2001:db8::1/64");
    const flags = () => net.netlink.addresses(net.a0)[0]?.flagNames ?? [];
    expect(flags()).toContain("tentative");
    while (flags().includes("tentative")) await Bun.sleep(20);
    expect(flags()).toEqual(["permanent"]);
  });

  test("the kernel's protocol number of an address comes back", () => {
    net.netlink.addAddress(net.a0, "192.0.2.1/24", { protocol: 44 });
    expect(net.netlink.addresses(net.a0)[0]?.protocol).toBe(44);
    const ofLoopback = net.netlink.addresses(1).find(({ family }) => family === 6);
    expect(ofLoopback?.protocol).toBe(1);
  });

  test("says in the kernel's words what it refused", () => {
    net.netlink.addAddress(net.a0, "192.0.2.1/24");
    expect(failureOf(() => net.netlink.addAddress(net.a0, "192.0.2.1/24"))).toMatchObject({
      code: "E_DEVICE_BUSY",
      explanation: "ipv4: Address already assigned",
    });
    net.run("sysctl -q -w net.ipv6.conf.a0.disable_ipv6=1");
    expect(failureOf(() => net.netlink.addAddress(net.a0, "2001:db8::1/64"))).toMatchObject({
      code: "E_DEVICE_STATE",
      message:
        `address 2001:db8::1/64 of interface ${net.a0}: ` +
        "RTM_NEWADDR failed with EACCES (ipv6: IPv6 is disabled on this device)",
    });
    expect(failureOf(() => net.netlink.addAddress(4711, "192.0.2.1/24")).code).toBe("E_DEVICE_GONE");
  });

  test.each([
    ["192.0.2.1/24", { peer: "2001:db8::1" }, "expected the family of"],
    ["192.0.2.1/24", { broadcast: "2001:db8::1" }, "expected IPv4"],
    ["2001:db8::1/64", { broadcast: "auto" }, "expected IPv4"],
    ["192.0.2.1/31", { broadcast: "auto" }, "a prefix length of at most 30, found 31"],
    ["192.0.2.1/24", { label: "a0:sixteen-octets" }, "expected 1 to 15 octets"],
    ["192.0.2.1/24", { scope: 256 }, "scope: expected a whole number from 0 to 255"],
    ["192.0.2.1/24", { scope: "far" as "link" }, 'found "far"'],
    ["192.0.2.1/24", { validSeconds: 0 }, "validSeconds: expected a whole number from 1"],
    ["192.0.2.1/24", { validSeconds: 5, preferredSeconds: 6 }, "preferredSeconds: expected a whole number from 0 to 5"],
    ["192.0.2.1/24", { metric: -1 }, "address metric: expected"],
    ["192.0.2.300/24", {}, "expected IPv4 or IPv6"],
  ])("addAddress(%s, %j) is refused", (address, options, message) => {
    const error = failureOf(() => net.netlink.addAddress(net.a0, address, options));
    expect([error.code, error.message]).toEqual(["E_DEVICE_OPTION", expect.stringContaining(message)]);
    expect(seen()).toEqual([]);
  });
});

describe("RouteNetlink.replaceAddress()", () => {
  test.each(["192.0.2.1/24", "2001:db8::1/64"])("changes lifetimes and metric of %s", (address) => {
    net.netlink.addAddress(net.a0, address, { noDad: true });
    const before = net.netlink.addresses(net.a0)[0];
    net.netlink.replaceAddress(net.a0, address, { validSeconds: 5000, preferredSeconds: 0, metric: 44, noDad: true });
    expect(seen()).toMatchObject([{ preferred_life_time: 0, dynamic: true, deprecated: true, metric: 44 }]);
    expect(net.netlink.addresses(net.a0)[0]?.createdMs).toBe(before?.createdMs as number);
    net.netlink.replaceAddress(net.a0, address, { noDad: true });
    const [back] = net.netlink.addresses(net.a0);
    expect(back?.validSeconds).toBeUndefined();
    expect(back?.flagNames).toContain("permanent");
  });

  test("changes flags of IPv6 addresses", () => {
    net.netlink.addAddress(net.a0, "2001:db8::1/64", { noDad: true });
    net.netlink.replaceAddress(net.a0, "2001:db8::1/64", { noDad: true, noPrefixRoute: true, manageTemporary: true });
    expect(seen()).toMatchObject([{ noprefixroute: true, mngtmpaddr: true }]);
    expect(net.ip("-6 route show dev a0")).toEqual([]);
  });

  test("adds what is not there", () => {
    net.netlink.replaceAddress(net.a0, "192.0.2.1/24");
    expect(seen()).toMatchObject([{ local: "192.0.2.1" }]);
  });
});

describe("RouteNetlink.removeAddress()", () => {
  const ADDRESSES = ["192.0.2.1/24", "192.0.2.129/25", "198.51.100.1/32", "2001:db8::1/64", "2001:db8::2/127"] as const;

  test.each(ADDRESSES)("removes %s with its prefix length and without", (address) => {
    for (const text of [address, address.slice(0, address.indexOf("/"))]) {
      for (const each of ADDRESSES) net.netlink.replaceAddress(net.a0, each, { noDad: true });
      net.netlink.removeAddress(net.a0, text);
      const left = new Set(net.netlink.addresses(net.a0).map((info) => info.address));
      expect(left).toEqual(new Set(ADDRESSES.filter((each) => each !== address)));
    }
  });

  test("removes a point-to-point address with its peer and without", () => {
    for (const options of [{ peer: "203.0.113.1/30" }, {}]) {
      net.netlink.addAddress(net.a0, "192.0.2.9", { peer: "203.0.113.1/30" });
      net.netlink.removeAddress(net.a0, "192.0.2.9", options);
      expect(seen()).toEqual([]);
    }
  });

  test("another prefix length is another address", () => {
    net.netlink.addAddress(net.a0, "192.0.2.1/24");
    const error = failureOf(() => net.netlink.removeAddress(net.a0, "192.0.2.1/25"));
    expect(error).toMatchObject({ code: "E_DEVICE_MISSING", errno: 99, explanation: "ipv4: Address not found" });
    expect(failureOf(() => net.netlink.removeAddress(net.a0, "192.0.2.7")).code).toBe("E_DEVICE_MISSING");
    expect(failureOf(() => net.netlink.removeAddress(net.a0, "2001:db8::7")).code).toBe("E_DEVICE_MISSING");
  });
});

describe("RouteNetlink.flushAddresses()", () => {
  test("removes all, those of a family, and link-local ones when asked for", () => {
    const fill = () => {
      // The second and third go with the first of their network.
      for (const last of [1, 2, 3]) net.netlink.replaceAddress(net.a0, `192.0.2.${last}/24`);
      net.netlink.replaceAddress(net.a0, "192.0.2.99", { peer: "203.0.113.1/32" });
      for (const each of ["2001:db8::1/64", "fe80::1/64"]) net.netlink.replaceAddress(net.a0, each, { noDad: true });
    };
    const left = () => net.netlink.addresses(net.a0).map(({ address }) => address);
    fill();
    net.netlink.flushAddresses(net.a0, { family: 4 });
    expect(left()).toEqual(["2001:db8::1/64", "fe80::1/64"]);
    fill();
    net.netlink.flushAddresses(net.a0);
    expect(left()).toEqual(["fe80::1/64"]);
    fill();
    net.netlink.flushAddresses(net.a0, { linkLocal: true });
    expect(seen()).toEqual([]);
  });
});
