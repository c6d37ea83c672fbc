// needs root
// Devices that come and go: many at once, many one after another, and none that stays.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { PacketPort, Wake } from "@bunnel/device";
import { packetOf } from "@bunnel/device/conformance";
import { NetworkNamespace, openLinuxTun, openTransferredTun, RouteNetlink } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { ip, runInside } from "../witness.ts";
import { linkOf, quietDevice, runProgram } from "./witness.ts";

const DEVICES = 50;
const CYCLES = 1000;
/** Interfaces that are deleted together, by their group. */
const BATCH = 100;
const GROUP = 7;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

/** Descriptors of this process of the kinds that a device has. */
function deviceDescriptors(): number {
  return descriptorsOf(/^(\/dev\/net\/tun|anon_inode:\[eventfd\])/);
}

/** And of those that are needed for a moment while it is opened; the runtime has some, too, which come and go. */
function passingDescriptors(): number {
  return descriptorsOf(/^(socket|net):/);
}

function descriptorsOf(kind: RegExp): number {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return links.filter((link) => kind.test(link)).length;
}

describe("many devices", () => {
  test("at once: each has its own packets, all waited for without a blocked thread", async () => {
    const devices = Array.from({ length: DEVICES }, (_, i) => {
      return quietDevice(namespace, { medium: i % 2 === 0 ? "ip" : "ethernet", name: `many${i}` });
    });
    expect(ip(namespace, "link")).toHaveLength(DEVICES + 1);
    const reads = devices.map((device) => new PacketPort(device).read());
    for (const i of Array.from({ length: DEVICES }, (_, k) => (k * 37) % DEVICES)) {
      const device = devices[i];
      if (!device) throw new Error("no device");
      using socket = namespace.run(() => new PacketSocket(device.index));
      socket.send(packetOf(device.capabilities.medium, 60 + i, i));
      expect(await reads[i]).toEqual(packetOf(device.capabilities.medium, 60 + i, i));
    }
    for (const device of devices) device.close();
    expect(ip(namespace, "link")).toHaveLength(1);
  });

  // To do away with an interface the kernel waits until no processor can be looking at it any more (RCU), 15 ms each
  // time: that is all that `close` of the last descriptor takes. So most cycles are on an interface that stays, and
  // where each has its own, the kernel does away with a hundred in one go.
  test.each([
    ["a thousand times on an interface that stays", CYCLES, true],
    ["with the interface", CYCLES / 20, false],
  ])("one after another, %s: no descriptor is left", (_, cycles, stays) => {
    if (stays) runInside(namespace, "ip", "tuntap", "add", "dev", "cycle0", "mode", "tun");
    const before = deviceDescriptors();
    const passing = passingDescriptors();
    for (let i = 0; i < cycles; i++) {
      const device = namespace.run(() => openLinuxTun({ up: false, name: "cycle0" }));
      if (i === 0) expect(deviceDescriptors()).toBe(before + 2);
      device.handOver();
      device.close();
    }
    expect(deviceDescriptors()).toBe(before);
    expect(passingDescriptors() - passing).toBeLessThan(CYCLES / BATCH);
    if (stays) runInside(namespace, "ip", "link", "del", "cycle0");
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });

  test("a thousand, each with an interface that is deleted under it: no descriptor is left", () => {
    using netlink = namespace.run(() => RouteNetlink.open());
    const before = deviceDescriptors();
    const passing = passingDescriptors();
    for (let round = 0; round < CYCLES / BATCH; round++) {
      const devices = Array.from({ length: BATCH }, () => namespace.run(() => openLinuxTun({ up: false })));
      for (const { index } of devices) netlink.setLink(index, { group: GROUP });
      expect(deviceDescriptors()).toBe(before + 2 * BATCH);
      runInside(namespace, "ip", "link", "del", "group", String(GROUP));
      for (const device of devices) device.close();
    }
    expect(deviceDescriptors()).toBe(before);
    expect(passingDescriptors() - passing).toBeLessThan(CYCLES / BATCH);
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });
});

describe("the end of a device", () => {
  test("by close() during a read: the read says so", async () => {
    const device = quietDevice(namespace);
    const reading = new PacketPort(device).read().catch((error: unknown) => error);
    await Bun.sleep(5);
    device.close();
    expect(await reading).toMatchObject({ code: "E_DEVICE_GONE" });
  });

  test("by its deletion during a read and a wait: both say so", async () => {
    using device = quietDevice(namespace);
    const reading = new PacketPort(device).read().catch((error: unknown) => error);
    await Bun.sleep(5);
    runInside(namespace, "ip", "link", "del", device.name);
    expect(await reading).toMatchObject({ code: "E_DEVICE_GONE" });
    expect(device.wait(-1)).toBe(Wake.Closed);
    expect(() => device.state()).toThrow("expected an interface, found it deleted");
    expect(() => device.set({ persistent: true })).toThrow("expected an interface, found it deleted");
  });

  test("by close() where it was opened: who was handed it stops, and leaves the next one alone", async () => {
    const first = quietDevice(namespace);
    const { fd } = first;
    const lent = openTransferredTun(first.handOver());
    const again = openTransferredTun(lent.handOver());
    const reads = [lent, again].map((device) => new PacketPort(device).read().catch((error: unknown) => error));
    await Bun.sleep(5);
    first.close();
    expect(await Promise.all(reads)).toMatchObject([{ code: "E_DEVICE_GONE" }, { code: "E_DEVICE_GONE" }]);
    using next = quietDevice(namespace);
    expect(next.fd).toBe(fd);
    expect(lent.fd).toBe(-1);
    expect(lent.wait(-1)).toBe(Wake.Closed);
    await lent.whenReadable();
    expect(() => lent.readv([new Uint8Array(1500)])).toThrow("expected open, found closed");
    expect(() => lent.writev([new Uint8Array(20)])).toThrow("expected open, found closed");
    expect(() => lent.set({ carrier: false })).toThrow("expected open, found closed");
    lent.wake();
    lent.close();
    expect(next.wait(0)).toBe(Wake.Timeout);
  });

  test("by `await using`: waits that were under way have ended when the block has", async () => {
    let readable: Promise<void>;
    {
      await using device = quietDevice(namespace, { name: "block0" });
      readable = device.whenReadable();
      expect(linkOf(namespace, "block0")).toBeDefined();
    }
    await readable;
    expect(linkOf(namespace, "block0")).toBeUndefined();
  });

  test("by kill -9 of its process: nothing is left", () => {
    const { exitCode } = runProgram(
      namespace,
      `driver.openLinuxTun({ name: "killed0", addresses: ["192.0.2.1/24"] }); process.kill(process.pid, "SIGKILL");`,
    );
    expect(exitCode).not.toBe(0);
    expect(ip(namespace, "addr").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });
});
