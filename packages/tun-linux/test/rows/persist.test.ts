// needs root
// Interfaces that outlive their process. tun-rs: persist, reuse_dev, user, group. tappers: set_persistent, set_owner,
// set_group, create_named.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { DeviceOptions } from "@bunnel/device";
import { NetworkNamespace } from "../../src/index.ts";
import { ip, runInside } from "../witness.ts";
import { linkOf, quietDevice, sysFile, tunDataOf, tuntapOf } from "./witness.ts";

/** Numbers that no user of the machine has: their owners are then printed as numbers. */
const UID = 54321;
const GID = 54322;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("persistent", () => {
  test.each(["ip", "ethernet"] as const)(
    "stays when the device is closed, and goes with the last that is not: %s",
    (medium) => {
      const name = "stays0";
      quietDevice(namespace, { name, medium, persistent: true }).close();
      expect(tunDataOf(namespace, name)).toMatchObject({ persist: true });
      expect(tuntapOf(namespace, name)).toMatchObject({ flags: expect.arrayContaining(["persist"]) as unknown });
      const again = quietDevice(namespace, { name, medium });
      expect(again.state().persistent).toBe(true);
      again.close();
      expect(linkOf(namespace, name)).toBeDefined();
      quietDevice(namespace, { name, medium, persistent: false }).close();
      expect(linkOf(namespace, name)).toBeUndefined();
    },
  );

  test("can be changed while the device is open", () => {
    const device = quietDevice(namespace, { name: "later0" });
    device.set({ persistent: true });
    expect(device.state().persistent).toBe(true);
    expect(tunDataOf(namespace, "later0")).toMatchObject({ persist: true });
    device.set({ persistent: false });
    expect(tunDataOf(namespace, "later0")).toMatchObject({ persist: false });
    device.close();
    expect(linkOf(namespace, "later0")).toBeUndefined();
  });

  test("an interface that could not be set does not stay, one that was there before does", () => {
    const wrong: DeviceOptions = { name: "half0", persistent: true, addresses: ["192.0.2.1/24", "192.0.2.1/24"] };
    expect(() => quietDevice(namespace, wrong)).toThrow("EEXIST");
    expect(linkOf(namespace, "half0")).toBeUndefined();
    runInside(namespace, "ip", "tuntap", "add", "dev", "half0", "mode", "tun");
    expect(() => quietDevice(namespace, { ...wrong, deleteOnClose: true })).toThrow("EEXIST");
    expect(linkOf(namespace, "half0")).toBeDefined();
    runInside(namespace, "ip", "link", "del", "half0");
  });

  test("deleteOnClose takes a persistent interface away, from the start or by a change", () => {
    for (const change of [false, true]) {
      runInside(namespace, "ip", "tuntap", "add", "dev", "gone0", "mode", "tun");
      const device = quietDevice(namespace, { name: "gone0", deleteOnClose: !change });
      if (change) device.set({ deleteOnClose: true });
      expect(tunDataOf(namespace, "gone0")).toMatchObject({ persist: true });
      device.close();
      expect(linkOf(namespace, "gone0")).toBeUndefined();
    }
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });
});

describe("owner and group", () => {
  test("are what the system shows, from the start and after a change", () => {
    using device = quietDevice(namespace, { owner: UID, group: GID });
    expect(tunDataOf(namespace, device.name)).toMatchObject({ user: UID, group: GID });
    expect(sysFile(namespace, device.name, "owner")).toBe(String(UID));
    expect(device.state()).toMatchObject({ owner: UID, group: GID });
    device.set({ owner: UID + 5, group: GID + 5 });
    expect(sysFile(namespace, device.name, "owner")).toBe(String(UID + 5));
    expect(sysFile(namespace, device.name, "group")).toBe(String(GID + 5));
  });

  test("are none by default, and must be numbers of users", () => {
    using device = quietDevice(namespace);
    expect(device.state().owner).toBeUndefined();
    expect(device.state().group).toBeUndefined();
    expect(() => device.set({ owner: -1 })).toThrow("owner: expected 0 to 4294967294, found -1");
    expect(() => device.set({ group: 0xffffffff })).toThrow("group: expected 0 to 4294967294, found 4294967295");
  });
});

describe("exclusive", () => {
  test("refuses an interface that is there, also one that nobody has open", () => {
    runInside(namespace, "ip", "tuntap", "add", "dev", "there0", "mode", "tun");
    expect(() => quietDevice(namespace, { name: "there0", exclusive: true })).toThrow("expected a free name");
    expect(() => quietDevice(namespace, { name: "there0", exclusive: true })).toThrow(
      expect.objectContaining({ code: "E_DEVICE_BUSY" }),
    );
    quietDevice(namespace, { name: "there0", deleteOnClose: true }).close();
    using device = quietDevice(namespace, { name: "there0", exclusive: true });
    expect(linkOf(namespace, device.name)).toBeDefined();
  });

  test("without it, what does not fit is said in words", () => {
    runInside(namespace, "ip", "tuntap", "add", "dev", "tap9", "mode", "tap");
    runInside(namespace, "ip", "tuntap", "add", "dev", "many9", "mode", "tun", "multi_queue");
    expect(() => quietDevice(namespace, { name: "tap9" })).toThrow("found a TAP interface");
    expect(() => quietDevice(namespace, { name: "many9" })).toThrow("found one with several queues");
    expect(() => quietDevice(namespace, { name: "lo" })).toThrow("found one of another kind");
    using held = quietDevice(namespace, { name: "held9" });
    expect(() => quietDevice(namespace, { name: held.name })).toThrow("found an interface that is in use");
    expect(() => quietDevice(namespace, { name: held.name, multiQueue: true })).toThrow("found one with one queue");
    for (const name of ["tap9", "many9"]) runInside(namespace, "ip", "link", "del", name);
  });
});
