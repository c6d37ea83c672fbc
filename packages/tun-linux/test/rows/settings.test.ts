// needs root
// Settings of the device itself. tappers: set_linktype, set_debug. Beyond both: the send buffer.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { NetworkNamespace } from "../../src/index.ts";
import { runInside } from "../witness.ts";
import { messageLevel } from "./sys.ts";
import { linkOf, quietDevice, sysFile } from "./witness.ts";

/** linux/if_arp.h */
const ARPHRD_PPP = 512;
const ARPHRD_NONE = 0xfffe;
/** linux/netdevice.h NETIF_MSG_DRV | NETIF_MSG_PROBE | NETIF_MSG_IFUP */
const LOG_MASK = 0x23;

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
  test("is what the driver has, from the start and after a change; without it there is no limit", () => {
    using device = quietDevice(namespace, { sendBufferBytes: 8192 });
    expect(device.state().sendBufferBytes).toBe(8192);
    device.set({ sendBufferBytes: 1 << 20 });
    expect(device.state().sendBufferBytes).toBe(1 << 20);
    expect(() => device.set({ sendBufferBytes: 0 })).toThrow("sendBufferBytes: expected 1 to 2147483647, found 0");
    using unlimited = quietDevice(namespace);
    expect(unlimited.state().sendBufferBytes).toBe(0x7fffffff);
  });
});
