// Settings of the device itself. tappers: set_linktype, set_debug. Beyond both: the send buffer.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { PacketList } from "@bunnel/device";
import { NetworkNamespace, RouteNetlink } from "../../src/index.ts";
import { ipPacket } from "./packets.ts";
import { runInside } from "../witness.ts";
import { messageLevel } from "./sys.ts";
import { linkOf, quietDevice, sysFile } from "./witness.ts";

/** linux/if_arp.h */
const ARPHRD_PPP = 512;
const ARPHRD_NONE = 0xfffe;
/** linux/netdevice.h NETIF_MSG_DRV | NETIF_MSG_PROBE | NETIF_MSG_IFUP */
const LOG_MASK = 0x23;

/** More than a send buffer of 8 KiB has room for. */
const TAKEN_MAX = 32;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("linkType", () => {
  test("is what other programs see, from the start and while the interface is down", () => {
    using device = quietDevice(namespace, { linkType: ARPHRD_PPP });
    expect(sysFile(namespace, device.name, "type")).toBe(String(ARPHRD_PPP));
    expect(linkOf(namespace, device.name)).toMatchObject({ link_type: "ppp" });
    expect(() => device.set({ linkType: ARPHRD_NONE })).toThrow("expected the interface down, found it up");
    runInside(namespace, "ip", "link", "set", device.name, "down");
    device.set({ linkType: ARPHRD_NONE });
    expect(sysFile(namespace, device.name, "type")).toBe(String(ARPHRD_NONE));
    expect(() => device.set({ linkType: 0x10000 })).toThrow("linkType: expected 0 to 65535, found 65536");
  });
});

describe("logMask", () => {
  test("is what ethtool shows", () => {
    using device = quietDevice(namespace);
    expect(namespace.run(() => messageLevel(device.name))).toBe(0);
    device.set({ logMask: LOG_MASK });
    expect(namespace.run(() => messageLevel(device.name))).toBe(LOG_MASK);
  });
});

describe("sendBufferBytes", () => {
  test("bounds what is under way: a write takes no more, and whenWritable() tells when it does", async () => {
    const destination = "203.0.113.9";
    using device = quietDevice(namespace, { addresses: ["192.0.2.1/24"], sendBufferBytes: 8192 });
    using netlink = namespace.run(() => RouteNetlink.open());
    netlink.addVeth("row-a", "row-b");
    runInside(namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
    runInside(namespace, "ip", "addr", "add", "203.0.113.1/24", "dev", "row-a");
    for (const name of ["row-a", "row-b"]) runInside(namespace, "ip", "link", "set", name, "up");
    expect(device.state().sendBufferBytes).toBe(8192);

    // Packets for a host whose hardware address is asked for stay in the system until it is known.
    const packet = ipPacket("192.0.2.7", destination, 1200);
    const memory = new Uint8Array(4096);
    const list: PacketList = { at: Uint32Array.of(128), lengths: Uint16Array.of(packet.length) };
    memory.set(packet, 128);
    device.attach(memory.buffer);
    let taken = 0;
    while (taken < TAKEN_MAX && device.write(list, 0, 1) === 1) taken++;
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(TAKEN_MAX);
    expect(device.refused).toBe(0);

    const controller = new AbortController();
    const aborted = device.whenWritable(controller.signal);
    controller.abort();
    await aborted;
    expect(device.write(list, 0, 1)).toBe(0);

    const writable = device.whenWritable();
    runInside(namespace, "ip", "neigh", "replace", destination, "lladdr", "02:00:5e:00:53:09", "dev", "row-a");
    await writable;
    expect(device.write(list, 0, 1)).toBe(1);

    device.set({ sendBufferBytes: 1 << 20 });
    expect(device.state().sendBufferBytes).toBe(1 << 20);
    expect(() => device.set({ sendBufferBytes: 0 })).toThrow("sendBufferBytes: expected 1 to 2147483647, found 0");
    netlink.deleteLink(netlink.link("row-a")?.index ?? 0);
  });

  test("is without limit by default", () => {
    using device = quietDevice(namespace);
    expect(device.state().sendBufferBytes).toBe(0x7fffffff);
  });
});
