// needs root
// The hardware address. tun-rs: mac_addr, mac_address, set_mac_address. tappers: MacAddr.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { NetworkNamespace } from "../../src/index.ts";
import { runInside } from "../witness.ts";
import { linkOf, quietDevice, sysFile } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("mac", () => {
  test("is the caller's from the start", () => {
    using device = quietDevice(namespace, { medium: "ethernet", mac: "02:00:5E:00:53:01" });
    expect(linkOf(namespace, device.name)).toMatchObject({ address: "02:00:5e:00:53:01" });
    expect(device.state().mac).toBe("02:00:5e:00:53:01");
  });

  test("is the system's otherwise, can be changed while the device is up, and is read as it is now", () => {
    using device = quietDevice(namespace, { medium: "ethernet" });
    expect(device.state().mac).toBe(sysFile(namespace, device.name, "address"));
    device.set({ mac: "02:00:5e:00:53:02" });
    expect(sysFile(namespace, device.name, "address")).toBe("02:00:5e:00:53:02");
    runInside(namespace, "ip", "link", "set", device.name, "address", "02:00:5e:00:53:03");
    expect(device.state().mac).toBe("02:00:5e:00:53:03");
  });

  test("of a TUN device there is none", () => {
    using device = quietDevice(namespace);
    expect(device.state().mac).toBeUndefined();
    expect(() => device.set({ mac: "02:00:5e:00:53:01" })).toThrow("expected an ethernet device, found one of IP");
    expect(() => quietDevice(namespace, { mac: "02:00:5e:00:53:01" })).toThrow("expected an ethernet device");
    expect(() => quietDevice(namespace, { medium: "ethernet", mac: "02:00" })).toThrow("hardware address");
    expect(() => quietDevice(namespace, { medium: "ethernet", mac: "01:00:5e:00:53:01" })).toThrow("hardware address");
  });
});
