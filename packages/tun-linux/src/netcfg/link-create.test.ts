// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { failureOf, NetworkPair, type Json } from "../../test/network-pair.ts";
import { ip } from "../../test/witness.ts";
import { NetworkNamespace } from "../namespace.ts";
import { parseAttributes } from "../netlink/index.ts";
import { IFINFOMSG_BYTES, IFLA_INFO_DATA, IFLA_LINK, IFLA_LINKINFO } from "./link-attributes.ts";
import { addLinkRequest } from "./link-create.ts";
import type { LinkInfo } from "./links.ts";

let net: NetworkPair;
beforeEach(() => {
  net = new NetworkPair();
});
afterEach(() => net[Symbol.dispose]());

function linkOf(name: string): LinkInfo {
  const link = net.netlink.link(name);
  if (!link) throw new Error(`${name}: expected an interface, found none`);
  return link;
}

describe("RouteNetlink.addLink()", () => {
  test("makes a pair with all that it is given, one end in another namespace", () => {
    using other = NetworkNamespace.create();
    net.netlink.addLink({
      kind: "veth",
      name: "c0",
      index: 4000,
      mac: "02:00:00:00:00:01",
      mtuBytes: 1280,
      txQueueLength: 11,
      group: 3,
      up: true,
      peer: {
        name: "d0",
        index: 4001,
        mac: "02:00:00:00:00:02",
        mtuBytes: 1281,
        txQueueLength: 12,
        namespaceFd: other.fd,
      },
    });
    const [near] = net.ip("-d link show dev c0");
    const [far] = ip(other, "-d", "link", "show", "dev", "d0");
    expect(near).toMatchObject({ ifindex: 4000, address: "02:00:00:00:00:01", mtu: 1280, txqlen: 11, group: "3" });
    expect(far).toMatchObject({ ifindex: 4001, address: "02:00:00:00:00:02", mtu: 1281, txqlen: 12 });
    expect(linkOf("c0")).toMatchObject({
      up: true,
      kind: "veth",
      parentNamespaceId: near?.["link_netnsid"] as number,
      details: {
        kind: "veth",
        peerIndex: far?.["ifindex"] as number,
        peerNamespaceId: near?.["link_netnsid"] as number,
      },
    });
  });

  test("makes a bridge as it was asked for, and details tell it back", () => {
    const bridge = {
      spanningTree: true,
      multicastSnooping: false,
      forwardDelayMs: 4000,
      ageingMs: 50_000,
      priority: 4096,
    };
    net.netlink.addLink({ kind: "bridge", name: "br0", ...bridge });
    const [seen] = net.ip("-d link show dev br0").map((link) => (link["linkinfo"] as Json)["info_data"]);
    expect(seen).toMatchObject({
      stp_state: 1,
      mcast_snooping: 0,
      forward_delay: 400,
      ageing_time: 5000,
      priority: 4096,
    });
    expect(linkOf("br0").details).toEqual({ kind: "bridge", vlanFiltering: false, ...bridge });
    net.netlink.setLink(net.b0, { master: net.indexOf("br0") });
    const members = net.netlink.links().filter(({ master }) => master === net.indexOf("br0"));
    expect(members.map(({ name }) => name)).toEqual(["b0"]);
  });

  test("joins a bridge while it is made", () => {
    net.netlink.addLink({ kind: "bridge", name: "br0" });
    net.netlink.addLink({ kind: "veth", name: "c0", peer: { name: "d0" }, master: net.indexOf("br0") });
    expect(net.ip("link show dev c0")[0]).toMatchObject({ master: "br0" });
  });

  test("makes dummies and VLANs, or says that this kernel has none", () => {
    for (const spec of [
      { kind: "dummy", name: "x0" },
      { kind: "vlan", name: "x0", parent: net.a0, id: 9 },
    ] as const) {
      const kind = spec.kind === "vlan" ? "link a0 type vlan id 8" : "type dummy";
      const command = ["ip", "link", "add", "y0", ...kind.split(" ")];
      const has = net.namespace.run(() => Bun.spawnSync(command)).exitCode === 0;
      if (has) {
        net.netlink.addLink(spec);
        expect(linkOf("x0").kind).toBe(spec.kind);
        net.netlink.deleteLink(net.indexOf("x0"));
      } else {
        expect(failureOf(() => net.netlink.addLink(spec)).code).toBe("E_UNSUPPORTED");
      }
      expect(net.netlink.link("x0")).toBeUndefined();
    }
  });

  test("leaves nothing when the second half fails", () => {
    expect(failureOf(() => net.netlink.addLink({ kind: "veth", name: "c0", peer: { name: "b0" } })).code).toBe(
      "E_DEVICE_BUSY",
    );
    expect(net.netlink.link("c0")).toBeUndefined();
  });

  test("tells of TUN devices what iproute2 tells", () => {
    net.run("ip tuntap add dev t0 mode tun user 1234 group 5678 multi_queue vnet_hdr");
    net.run("ip tuntap add dev t1 mode tap pi");
    const seen = net.ip("-d link show type tun").map((link) => (link["linkinfo"] as Json)["info_data"]);
    expect(seen).toMatchObject([
      { type: "tun", pi: false, vnet_hdr: true, multi_queue: true, persist: true, user: 1234, group: 5678 },
      { type: "tap", pi: true, vnet_hdr: false, multi_queue: false, persist: true },
    ]);
    expect(linkOf("t0").details).toEqual({
      kind: "tun",
      mode: "tun",
      owner: 1234,
      group: 5678,
      packetInformation: false,
      vnetHeader: true,
      persistent: true,
      multiQueue: true,
      queues: 0,
      disabledQueues: 0,
    });
    expect(linkOf("t1").details).toEqual({
      kind: "tun",
      mode: "tap",
      packetInformation: true,
      vnetHeader: false,
      persistent: true,
      multiQueue: false,
    });
  });
});

describe("addLinkRequest()", () => {
  test("describes a VLAN as iproute2 does", () => {
    // IFLA_INFO_DATA of `ip link add v0 link a0 type vlan id 9 protocol 802.1ad`.
    const data = Uint8Array.fromHex("06000100090000000600050088a80000");
    const message = addLinkRequest({ kind: "vlan", name: "v0", parent: 3, id: 9, protocol: "802.1ad" });
    const attributes = parseAttributes(message.body().subarray(IFINFOMSG_BYTES));
    const info = parseAttributes(attributes.get(IFLA_LINKINFO) ?? new Uint8Array(0));
    expect(info.get(IFLA_INFO_DATA)).toEqual(data);
    expect(attributes.get(IFLA_LINK)).toEqual(Uint8Array.of(3, 0, 0, 0));
  });

  test.each([0, 4095, 1.5])("refuses the VLAN id %d", (id) => {
    expect(failureOf(() => addLinkRequest({ kind: "vlan", name: "v0", parent: 3, id })).code).toBe("E_DEVICE_OPTION");
  });
});
