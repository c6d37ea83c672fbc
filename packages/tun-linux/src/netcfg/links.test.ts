// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { failureOf, NetworkPair, type Json } from "../../test/network-pair.ts";
import { runInside } from "../../test/witness.ts";
import { NetlinkMessage } from "../netlink/index.ts";
import { IFLA_PERM_ADDRESS, ifinfo, RTM_NEWLINK } from "./link-attributes.ts";
import { openLinuxTun } from "../open.ts";
import { parseStatistics } from "./link-statistics.ts";
import { parseLink, type LinkInfo } from "./links.ts";

let net: NetworkPair;
beforeEach(() => {
  net = new NetworkPair();
});
afterEach(() => net[Symbol.dispose]());

/** A file of /sys/class/net as a program inside the namespace sees it. */
function sysfs(name: string, file: string): string {
  const script = 'mount -t sysfs none /sys && cat "/sys/class/net/$1/$2"';
  return runInside(net.namespace, "unshare", "--mount", "sh", "-ec", script, "sh", name, file).trim();
}

function linkOf(name: string): LinkInfo {
  const link = net.netlink.link(name);
  if (!link) throw new Error(`${name}: expected an interface, found none`);
  return link;
}

/** The same attributes as iproute2 tells them. */
function asWitnessed(link: LinkInfo): Json {
  const names = new Map(net.netlink.links().map(({ index, name }) => [index, name]));
  return {
    ifindex: link.index,
    ifname: link.name,
    mtu: link.mtuBytes,
    min_mtu: link.minMtuBytes ?? 0,
    max_mtu: link.maxMtuBytes ?? 0,
    operstate: link.operState.toUpperCase(),
    txqlen: link.txQueueLength,
    num_tx_queues: link.txQueues,
    num_rx_queues: link.rxQueues,
    promiscuity: link.promiscuity,
    address: link.mac,
    broadcast: link.broadcastMac,
    ...(link.alias === undefined ? {} : { ifalias: link.alias }),
    ...(link.master === undefined ? {} : { master: names.get(link.master) }),
    ...(link.parent === undefined ? {} : { link: names.get(link.parent) }),
    ...(link.alternativeNames.length === 0 ? {} : { altnames: link.alternativeNames }),
    inet6_addr_gen_mode: { system: "eui64", none: "none", stable: "stable_secret", random: "random" }[
      link.ipv6LinkLocal ?? "none"
    ],
  };
}

describe("LinkInfo", () => {
  test("agrees with iproute2 in every attribute", () => {
    net.run("ip link add br0 type bridge");
    net.run("ip link set b0 master br0 alias left-end group 7 txqueuelen 77 promisc on");
    net.run("ip link property add dev b0 altname another-name-that-is-longer");
    net.run("ip link set a0 address 02:00:00:00:00:0a mtu 1300 arp off allmulticast on multicast off");
    const seen = net.ip("-d link");
    const found = net.netlink.links().map((link) => asWitnessed(link));
    expect(seen).toMatchObject(found);
    expect(found).toHaveLength(4);
    expect(linkOf("b0")).toMatchObject({ group: 7, masterKind: "bridge", kind: "veth", promiscuous: true });
    expect(seen.map((link) => [link["ifname"], (link["linkinfo"] as Json | undefined)?.["info_kind"]])).toEqual(
      net.netlink.links().map((link) => [link.name, link.kind]),
    );
  });

  test("tells flags apart as iproute2 does", () => {
    net.run("ip link set a0 arp off allmulticast on multicast off promisc on");
    for (const name of ["lo", "a0", "b0"]) {
      const flags = net.ip(`link show dev ${name}`).flatMap((link) => link["flags"] as string[]);
      const has = (flag: string) => flags.includes(flag);
      expect(linkOf(name)).toMatchObject({
        up: has("UP"),
        arp: !has("NOARP"),
        loopback: has("LOOPBACK"),
        pointToPoint: has("POINTOPOINT"),
        multicast: has("MULTICAST"),
        allMulticast: has("ALLMULTI"),
        promiscuous: has("PROMISC"),
        carrier: has("LOWER_UP"),
      });
    }
    expect(linkOf("a0")).toMatchObject({ arp: false, allMulticast: true, multicast: false, promiscuous: true });
  });

  test("carrier, its changes and the operational state follow the other end, as /sys tells", () => {
    const asSysfs = () => {
      const { carrier, carrierChanges, operState, running } = linkOf("a0");
      expect(sysfs("a0", "carrier")).toBe(carrier ? "1" : "0");
      expect(sysfs("a0", "carrier_changes")).toBe(String(carrierChanges));
      expect(sysfs("a0", "operstate")).toBe(operState);
      return { carrier, operState, running };
    };
    expect(asSysfs()).toEqual({ carrier: true, operState: "up", running: true });
    net.run("ip link set b0 down");
    // The kernel looks after a carrier that went in a thread of its own.
    while (linkOf("a0").operState === "up") Bun.sleepSync(1);
    expect(asSysfs()).toEqual({ carrier: false, operState: "lowerlayerdown", running: false });
  });

  test("is found by a further name, which may be longer than a name", () => {
    net.run("ip link property add dev a0 altname other0");
    expect(net.netlink.link("other0")?.index).toBe(net.a0);
  });

  test("statistics are those of /sys, counter by counter", () => {
    net.run("ip addr add 192.0.2.1/24 dev a0");
    net.run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev a0");
    runInside(net.namespace, "sh", "-c", "ping -c 7 -i 0.001 -W 0.001 192.0.2.2 || true");
    const { statistics } = linkOf("a0");
    expect(statistics.sentPackets).toBeGreaterThanOrEqual(7);
    const files: Readonly<Record<string, keyof typeof statistics>> = {
      rx_packets: "receivedPackets",
      tx_packets: "sentPackets",
      rx_bytes: "receivedBytes",
      tx_bytes: "sentBytes",
      rx_errors: "receiveErrors",
      tx_errors: "sendErrors",
      rx_dropped: "receiveDropped",
      tx_dropped: "sendDropped",
      multicast: "receivedMulticast",
    };
    for (const [file, counter] of Object.entries(files)) {
      expect([file, sysfs("a0", `statistics/${file}`)]).toEqual([file, String(statistics[counter])]);
    }
    const { statistics: other } = linkOf("b0");
    expect(other.receivedBytes).toBe(statistics.sentBytes);
  });

  test("permanentMac is what IFLA_PERM_ADDRESS says", () => {
    const message = new NetlinkMessage(RTM_NEWLINK, 0, ifinfo(5))
      .string(3, "eth0")
      .attr(1, Uint8Array.of(2, 0, 0, 0, 0, 9))
      .attr(IFLA_PERM_ADDRESS, Uint8Array.of(2, 0, 0, 0, 0, 1));
    const link = parseLink({ type: RTM_NEWLINK, flags: 0, sequence: 0, port: 0, payload: message.body() });
    expect(link).toMatchObject({ mac: "02:00:00:00:00:09", permanentMac: "02:00:00:00:00:01" });
  });
});

describe("parseStatistics()", () => {
  test("reads struct rtnl_link_stats64 in the order of linux/if_link.h; what an old kernel leaves out is 0", () => {
    const octets = new Uint8Array(new BigUint64Array(Array.from({ length: 24 }, (_, i) => BigInt(i + 1))).buffer);
    expect(Object.values(parseStatistics(octets))).toEqual([...Array.from({ length: 24 }, (_, i) => i + 1), 0]);
    expect(parseStatistics(octets)).toMatchObject({
      receivedPackets: 1,
      sendDropped: 8,
      receivedMulticast: 9,
      collisions: 10,
      receiveMissedErrors: 16,
      sendWindowErrors: 21,
      sentCompressed: 23,
      receivedUnhandled: 24,
    });
  });

  test("is exact up to 2^53", () => {
    expect(parseStatistics(new Uint8Array(new BigUint64Array([2n ** 53n - 1n]).buffer)).receivedPackets).toBe(
      Number.MAX_SAFE_INTEGER,
    );
  });
});

describe("RouteNetlink.setLink()", () => {
  test("changes what is named, and iproute2 sees it", () => {
    net.netlink.addLink({ kind: "bridge", name: "br0" });
    net.netlink.setLink(net.a0, {
      up: false,
      name: "c0",
      alias: "rechts \u00e4",
      mac: "02:00:00:00:00:0C",
      mtuBytes: 1280,
      txQueueLength: 5,
      group: 9,
      master: net.indexOf("br0"),
      arp: false,
      multicast: false,
      allMulticast: true,
      promiscuous: true,
      ipv6LinkLocal: "random",
    });
    const [seen] = net.ip("-d link show dev c0");
    expect(seen).toMatchObject({
      ifindex: net.a0,
      mtu: 1280,
      txqlen: 5,
      group: "9",
      master: "br0",
      address: "02:00:00:00:00:0c",
      ifalias: "rechts \u00e4",
      inet6_addr_gen_mode: "random",
    });
    const flags = seen?.["flags"] as string[];
    expect(flags.toSorted()).toEqual(["ALLMULTI", "BROADCAST", "NOARP", "PROMISC"]);
    const ports = JSON.parse(runInside(net.namespace, "bridge", "-j", "link")) as Json[];
    expect(ports).toMatchObject([{ ifname: "c0", master: "br0" }]);
  });

  test("takes back what it gave", () => {
    net.netlink.addLink({ kind: "bridge", name: "br0" });
    const before = net.ip("-d link show dev a0")[0];
    const on = { arp: false, multicast: false, allMulticast: true, promiscuous: true, alias: "x", group: 9 };
    net.netlink.setLink(net.a0, { ...on, master: net.indexOf("br0"), up: false });
    const off = { arp: true, multicast: true, allMulticast: false, promiscuous: false, alias: "", group: 0 };
    net.netlink.setLink(net.a0, { ...off, master: 0, ipv6LinkLocal: "none", up: true });
    expect(net.ip("-d link show dev a0")[0]).toEqual(before as Json);
  });

  test("takes the carrier of a TUN device away and gives it back", () => {
    using device = net.namespace.run(() => openLinuxTun({ name: "t0" }));
    const seen = () => net.ip("link show dev t0").flatMap((link) => link["flags"] as string[]);
    net.netlink.setLink(device.index, { carrier: false });
    expect([linkOf("t0").carrier, seen().includes("NO-CARRIER")]).toEqual([false, true]);
    net.netlink.setLink(device.index, { carrier: true });
    expect([linkOf("t0").carrier, seen().includes("NO-CARRIER")]).toEqual([true, false]);
  });

  test("leaves alone what is not named", () => {
    const before = net.ip("-d link show dev a0");
    net.netlink.setLink(net.a0, {});
    net.netlink.setLink(net.a0, { mtuBytes: 1400 });
    expect(net.ip("-d link show dev a0")).toEqual(before);
  });

  test("a new name needs the interface down, whatever this kernel allows; nothing is changed then", () => {
    const error = failureOf(() => net.netlink.setLink(net.a0, { name: "c0", mtuBytes: 1300 }));
    expect(error.code).toBe("E_DEVICE_STATE");
    expect(error.message).toBe(
      'interface a0: expected it down to be called "c0" (give up: false with the name), found it up',
    );
    expect(linkOf("a0")).toMatchObject({ up: true, mtuBytes: 1400 });
    net.netlink.setLink(net.a0, { name: "c0", up: false });
    net.netlink.setLink(net.a0, { name: "d0", up: true });
    expect(linkOf("d0")).toMatchObject({ index: net.a0, up: true });
  });

  test("says in the kernel's words what it refused", () => {
    const big = { kind: "bridge", name: "br0", mtuBytes: 70_000 } as const;
    const refused = { code: "E_DEVICE_SYSTEM", errno: 22, explanation: "mtu greater than device maximum" };
    expect(failureOf(() => net.netlink.addLink(big))).toMatchObject(refused);
    const taken = failureOf(() => net.netlink.setLink(net.a0, { name: "b0", up: false }));
    expect([taken.code, taken.message]).toEqual([
      "E_DEVICE_BUSY",
      `interface ${net.a0}: RTM_NEWLINK failed with EEXIST`,
    ]);
    expect(failureOf(() => net.netlink.setLink(4711, { up: true })).code).toBe("E_DEVICE_GONE");
  });

  test.each([
    [{ name: "a/b" }, "interface name: expected"],
    [{ mac: "02:00:00:00:00" }, "hardware address: expected six octets"],
    [
      { mac: "33:33:00:00:00:01" },
      "hardware address: expected that of one interface, found 33:33:00:00:00:01, which is a",
    ],
    [
      { mac: "00:00:00:00:00:00" },
      "hardware address: expected that of one interface, found 00:00:00:00:00:00, which is n",
    ],
    [{ mtuBytes: 1.5 }, "mtuBytes: expected a whole number"],
    [{ mtuBytes: 5 }, "mtuBytes of interface a0: expected 68 to 65535, found 5"],
    [{ mtuBytes: 70_000 }, "mtuBytes of interface a0: expected 68 to 65535, found 70000"],
    [{ txQueueLength: -1 }, "txQueueLength: expected a whole number"],
    [{ group: 2 ** 32 }, "group: expected a whole number"],
    [{ alias: "x".repeat(256) }, "alias: expected at most 255 octets"],
    [
      { ipv6LinkLocal: "eui64" as "none" },
      'ipv6LinkLocal: expected one of system, none, stable, random, found "eui64"',
    ],
  ])("setLink(%j) is refused before anything is changed", (change, message) => {
    const error = failureOf(() => net.netlink.setLink(net.a0, { up: false, ...change }));
    expect([error.code, error.message.slice(0, message.length)]).toEqual(["E_DEVICE_OPTION", message]);
    expect(linkOf("a0").up).toBe(true);
  });
});
