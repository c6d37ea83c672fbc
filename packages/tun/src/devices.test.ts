// needs root
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { MemoryDevice, type DeviceOptions, type SystemDevice } from "@bunnel/device";
import type { NetworkNamespace } from "@bunnel/tun-linux";
import {
  capabilities,
  createNamespace,
  driver,
  driverOf,
  fromDescriptor,
  openTap,
  openTun,
  openVethPair,
  type DeviceEvent,
} from "./index.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = createNamespace();
});
afterAll(() => namespace.close());

const QUIET = { ipv6LinkLocal: "none" } as const;

function ip(...args: string[]): Record<string, unknown>[] {
  const { stdout } = namespace.run(() => Bun.spawnSync(["ip", "-j", ...args]));
  const all = JSON.parse(stdout.toString() || "[]") as Record<string, unknown>[];
  return all.filter((entry) => Object.keys(entry).length > 0);
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}

function run(inside: NetworkNamespace, ...command: string[]): void {
  const { exitCode, stderr } = inside.run(() => Bun.spawnSync(command));
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
}

describe("openTap()", () => {
  test("gives the frames of the system: it asks for a hardware address before it sends", async () => {
    const options = { ...QUIET, addresses: ["192.0.2.1/24"], mac: "02:00:5e:00:53:01" };
    using tap = namespace.run(() => openTap(options));
    expect(tap.capabilities.medium).toBe("ethernet");
    expect(tap.state().mac).toBe("02:00:5e:00:53:01");
    const ping = namespace.run(() => Bun.spawn(["ping", "-c", "1", "-W", "0.01", "192.0.2.9"]));
    const frame = await tap.read();
    // ARP, request, from the address that was set (RFC 826).
    expect([...frame.subarray(0, 14)]).toEqual([255, 255, 255, 255, 255, 255, 2, 0, 0x5e, 0, 0x53, 1, 8, 6]);
    expect([...frame.subarray(38, 42)]).toEqual([192, 0, 2, 9]);
    expect(await ping.exited).not.toBe(0);
  });
});

describe("fromDescriptor()", () => {
  test("takes what another part of the program opened", async () => {
    using tun = namespace.run(() => openTun({ ...QUIET, name: "given0", addresses: ["192.0.2.1/24"] }));
    const descriptor = (tun.device as SystemDevice & { readonly fd: number }).fd;
    using same = namespace.run(() => fromDescriptor(descriptor, { ownership: "borrowed" }));
    expect([same.name, same.index]).toEqual(["given0", tun.index]);
    run(namespace, "sh", "-c", "ping -c 1 -W 0.01 192.0.2.9 || true");
    expect((await same.read())[9]).toBe(1);
    same.close();
    expect(tun.state().name).toBe("given0");
  });
});

describe("Tun.openQueue()", () => {
  test("gives a further queue; both can be taken out and in", () => {
    using first = namespace.run(() => openTun({ ...QUIET, multiQueue: true }));
    using second = first.openQueue();
    expect(second.index).toBe(first.index);
    expect(first.state()).toMatchObject({ queues: 2, detachedQueues: 0 });
    second.set({ queue: "detached" });
    expect(first.state()).toMatchObject({ queues: 1, detachedQueues: 1 });
    using single = namespace.run(() => openTun(QUIET));
    expect(() => single.openQueue()).toThrow("expected it opened with multiQueue");
  });

  test("of a device of another driver is E_UNSUPPORTED", () => {
    const device = MemoryDevice.open() as unknown as SystemDevice;
    expect(() => driver().openQueue(device)).toThrow('expected one of driver "linux", found "memory"');
  });
});

describe("Tun.events()", () => {
  test("tells what happens to the interface, in order, and ends when it is gone", async () => {
    const tun = namespace.run(() => openTun({ ...QUIET, name: "event0" }));
    const seen: DeviceEvent[] = [];
    const watching = (async () => {
      for await (const event of tun.events()) seen.push(event);
    })();
    run(namespace, "ip", "link", "set", "event0", "mtu", "1400");
    run(namespace, "ip", "addr", "add", "192.0.2.1/24", "dev", "event0");
    run(namespace, "ip", "link", "set", "event0", "down");
    run(namespace, "ip", "link", "set", "event0", "name", "other0");
    run(namespace, "ip", "link", "set", "other0", "up");
    run(namespace, "ip", "link", "add", "else0", "type", "veth", "peer", "name", "else1");
    run(namespace, "ip", "link", "del", "else0");
    tun.set({ carrier: false });
    tun.close();
    await watching;
    const told = seen.map((event) => (event.type === "mtu" ? `mtu ${event.mtuBytes}` : event.type));
    expect(told.indexOf("mtu 1400")).toBeGreaterThanOrEqual(0);
    const order = ["mtu 1400", "address", "down", "name"].map((type) => told.indexOf(type));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
    expect(told.lastIndexOf("up")).toBeGreaterThan(told.indexOf("down"));
    expect(seen).toContainEqual({ type: "name", name: "other0" });
    expect(seen.filter(({ type }) => type === "carrier").at(-1)).toEqual({ type: "carrier", isOn: false });
    expect(seen.at(-1)).toEqual({ type: "gone" });
  });

  test("tells only what differs: nothing at first, and nothing for what has no word", async () => {
    using tun = namespace.run(() => openTun({ ...QUIET, name: "same0" }));
    await using events = tun.events();
    run(namespace, "ip", "link", "set", "same0", "alias", "for people");
    run(namespace, "ip", "link", "set", "same0", "mtu", "1300");
    expect((await events.next()).value).toEqual({ type: "mtu", mtuBytes: 1300 });
  });

  test.each(["closed", "deleted"])("of a device that is %s are that it is gone", async (how) => {
    // Where this thread is when it asks, another interface has the same index.
    using tun = namespace.run(() => openTun({ ...QUIET, name: "gone0" }));
    const elsewhere = createNamespace();
    run(elsewhere, "ip", "link", "add", "d0", "index", String(tun.index), "type", "veth");
    if (how === "closed") tun.close();
    else run(namespace, "ip", "link", "del", "gone0");
    const told: DeviceEvent[] = [];
    for await (const event of elsewhere.run(() => tun.events())) told.push(event);
    expect(told).toEqual([{ type: "gone" }]);
    elsewhere.close();
  });

  test("that nobody has asked for yet, or is waiting for, end with return(), and keep nothing open", async () => {
    using tun = namespace.run(() => openTun(QUIET));
    const sockets = () =>
      readdirSync("/proc/self/fd")
        .map(linkOf)
        .filter((link) => link.startsWith("socket:"));
    // Those of tests before this one may be closed meanwhile.
    const before = new Set(sockets());
    const added = () => sockets().filter((socket) => !before.has(socket)).length;
    const [unasked, asked] = [tun.events(), tun.events()];
    expect(added()).toBe(2);
    const waiting = asked.next();
    await unasked.return();
    await asked.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(added()).toBe(0);
  });

  test("ends with an abort, and keeps nothing open", async () => {
    using tun = namespace.run(() => openTun(QUIET));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1);
    for await (const event of tun.events({ signal: controller.signal })) expect(event).toBeUndefined();
  });
});

describe("openVethPair()", () => {
  test("carries packets between two networks", () => {
    using there = createNamespace();
    using pair = openVethPair(
      { name: "left0", namespace, addresses: ["192.0.2.1/24"], mac: "02:00:5e:00:53:01" },
      { name: "right0", namespace: there, addresses: ["192.0.2.2/24"], mtuBytes: 1400 },
    );
    expect(ip("-d", "link", "show", "left0")).toMatchObject([
      { address: "02:00:5e:00:53:01", linkinfo: { info_kind: "veth" } },
    ]);
    run(namespace, "ping", "-c", "1", "-W", "5", "192.0.2.2");
    expect(pair.there.info()).toMatchObject({ name: "right0", mtuBytes: 1400, up: true });
    expect(pair.here.info().statistics.sentPackets).toBeGreaterThan(0);
    pair.close();
    pair.close();
    expect(ip("link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });

  test("in one network, and leaves nothing behind when an end cannot be set", () => {
    expect(() =>
      namespace.run(() => openVethPair({ name: "left0" }, { name: "right0", addresses: ["nowhere"] })),
    ).toThrow("nowhere");
    expect(ip("link").map(({ ifname }) => ifname)).toEqual(["lo"]);
    using pair = namespace.run(() => openVethPair({ name: "left0", up: false }, { name: "right0" }));
    expect(new Set(ip("link").map(({ ifname }) => ifname))).toEqual(new Set(["left0", "lo", "right0"]));
    expect(pair.here.info().up).toBe(false);
    // Somebody else deletes it: closing it is no error.
    run(namespace, "ip", "link", "del", "left0");
  });
});

describe("capabilities()", () => {
  test("tell what this platform can, and name those without a driver", () => {
    expect(capabilities("linux")).toMatchObject({ platform: "linux", media: ["ip", "ethernet"] });
    expect(capabilities().features).toContain("queues");
    expect(() => capabilities("aix")).toThrow("found aix");
    expect(() => driverOf("sunos")).toThrow(expect.objectContaining({ code: "E_UNSUPPORTED" }));
  });

  test("an option that the platform does not have is E_UNSUPPORTED and names it", () => {
    const options = { ringCapacity: 4096 } as DeviceOptions;
    expect(() => namespace.run(() => openTun(options))).toThrow("option ringCapacity: expected a platform that has it");
  });
});
