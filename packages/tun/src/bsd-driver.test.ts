// needs root: the fake kernel makes network interfaces
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { failureOf, PacketSocket, type Kernel } from "@bunnel/bsd/proof";
import type { SystemDevice } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { bsdKernel, onKernel as onBsd } from "@bunnel/tun-bsd/proof";
import { darwinKernel, onKernel as onDarwin } from "@bunnel/tun-darwin/proof";
import { NetworkNamespace, openLinuxTun } from "@bunnel/tun-linux";
import { bsdDriver, darwinDriver, descriptorDriver, dnsOf } from "./bsd-driver.ts";
import { capabilities, driverOf, type Driver, type DriverNetwork } from "./driver.ts";

const PLATFORMS = ["darwin", "freebsd", "openbsd", "netbsd", "dragonfly"] as const;

describe("driverOf()", () => {
  test.each([...PLATFORMS, "android", "ios"])("has a driver for %s, which opens nothing", (platform) => {
    expect(driverOf(platform).capabilities.platform).toBe(platform);
    expect(capabilities(platform).features).toContain("descriptors");
  });
});

const DRIVERS: readonly (readonly [string, () => { kernel: Kernel; driver: Driver }])[] = [
  [
    "macOS",
    () => {
      const kernel = darwinKernel();
      return { kernel, driver: darwinDriver(onDarwin(kernel)) };
    },
  ],
  [
    "FreeBSD",
    () => {
      const kernel = bsdKernel("freebsd");
      return { kernel, driver: bsdDriver("freebsd", onBsd(kernel, "freebsd")) };
    },
  ],
];

describe.each(DRIVERS)("the driver of %s", (_, make) => {
  let kernel: Kernel;
  let driver: Driver;
  let device: SystemDevice;
  let network: DriverNetwork;
  beforeAll(() => {
    ({ kernel, driver } = make());
    device = driver.open({ addresses: ["192.0.2.1/24", "2001:db8::1/64"], mtuBytes: 1400 });
    network = driver.openNetwork();
  });
  afterAll(() => {
    network.close();
    device.close();
    expect(kernel.held()).toMatchObject({ interfaces: 0, routes: 0 });
    kernel[Symbol.dispose]();
  });

  test("tells of the interface in the words of every platform", () => {
    const found = { index: device.index, mtuBytes: 1400, up: true, operState: "up", pointToPoint: true };
    expect(network.link(device.name)).toMatchObject({ ...found, statistics: { sendErrors: 0 } });
    expect(network.links().map(({ name }) => name)).toEqual([device.name]);
    expect(network.link("none0")).toBeUndefined();
  });

  test("adds, replaces and removes addresses", () => {
    const { index } = device;
    network.addAddress(index, "198.51.100.7/28", { noDad: true });
    network.replaceAddress(index, "198.51.100.7/28");
    network.removeAddress(index, "198.51.100.7");
    expect(network.addresses(index).map(({ address }) => address)).toEqual(["192.0.2.1/24", "2001:db8::1/64"]);
    network.addAddress(index, "198.51.100.8/28");
    network.flushAddresses(index, { family: 4 });
    expect(network.addresses(index).map(({ address }) => address)).toEqual(["2001:db8::1/64"]);
    network.addAddress(index, "192.0.2.1/24");
    expect(failureOf(() => network.removeAddress(index, "198.51.100.7"))).toMatchObject({ code: "E_DEVICE_MISSING" });
    expect(failureOf(() => network.addAddress(99, "198.51.100.7/28"))).toMatchObject({ code: "E_DEVICE_GONE" });
  });

  test("a route that was listed can be given back, to be removed and to be added", () => {
    const { index } = device;
    network.addRoute({ destination: "203.0.113.0/24", index, metrics: { mtuBytes: 1280 } });
    network.addRoute({ destination: "default", family: 6, index });
    const [route] = network.routes({ family: 4, index }).filter(({ destination }) => destination === "203.0.113.0/24");
    if (!route) throw new Error("route: expected it listed, found none");
    expect(route).toMatchObject({ metrics: { mtuBytes: 1280 }, type: "unicast", table: 254 });
    expect(network.routes({ family: 6 })).toContainEqual(expect.objectContaining({ destination: "default" }));
    expect(network.lookupRoute({ destination: "203.0.113.9" })).toMatchObject({ type: "unicast", route: { index } });
    network.removeRoute(route);
    network.addRoute(route);
    network.replaceRoute({ ...route, metrics: { mtuBytes: 1300 } });
    network.changeRoute({ ...route, metrics: { mtuBytes: 1310 } });
    network.removeRoute(route);
    network.removeRoute({ destination: "default", family: 6, index });
    expect(network.lookupRoute({ destination: "203.0.113.9" })).toEqual({ type: "none" });
    expect(network.routes({ table: 4000 })).toEqual([]);
  });

  test("refuses by name what the platform does not have", () => {
    const { index } = device;
    const work: readonly (() => unknown)[] = [
      () => network.addRoute({ destination: "203.0.113.0/24", index, table: 4000 }),
      () => network.addRoute({ destination: "203.0.113.0/24", index, tos: 4 }),
      () => network.addRoute({ destination: "203.0.113.0/24", type: "throw" }),
      () => network.addAddress(index, "198.51.100.7/28", { metric: 5 }),
      () => network.setLink(index, { txQueueLength: 10 }),
      () => network.lookupRoute({ destination: "203.0.113.9", mark: 1 }),
      () => network.rules(),
      () => network.neighbours(),
      () => network.addDummy("d0"),
      () => driver.openQueue(device),
      () => driver.createNamespace(),
    ];
    for (const each of work) {
      const failure = failureOf(each);
      expect(failure.code).toBe("E_UNSUPPORTED");
      expect(failure.message).toContain(`found ${driver.capabilities.platform}`);
    }
  });

  test("events tell of the device's changes", async () => {
    const events = driver.watchFrom(device);
    network.setLink(device.index, { mtuBytes: 1350 });
    network.setLink(device.index, { mtuBytes: 1400 });
    network.addRoute({ destination: "203.0.113.0/24", index: device.index });
    network.removeRoute({ destination: "203.0.113.0/24", index: device.index });
    network.addAddress(device.index, "198.51.100.7/32");
    network.removeAddress(device.index, "198.51.100.7/32");
    const seen: unknown[] = [];
    for await (const event of events) if (seen.push(event) === 4) break;
    expect(seen).toMatchObject([
      { type: "link", change: "changed", link: { index: device.index, mtuBytes: 1350, name: device.name } },
      { type: "link", change: "changed", link: { mtuBytes: 1400 } },
      { type: "address", change: "changed", address: { address: "198.51.100.7/32" } },
      { type: "address", change: "removed", address: { address: "198.51.100.7/32" } },
    ]);
  });
});

describe("dnsOf()", () => {
  test.each([
    ["no domain: all names are asked", {}, { searchDomains: [], matchDomains: [""] }],
    ["the root: all names are asked", { domains: ["~."] }, { searchDomains: [], matchDomains: [""] }],
    ["names to be asked for", { domains: ["~example.org"] }, { searchDomains: [], matchDomains: ["example.org"] }],
    ["names to be looked in", { domains: ["example.org"] }, { searchDomains: ["example.org"], matchDomains: [""] }],
    [
      "names to be looked in, and no others asked",
      { domains: ["example.org"], defaultRoute: false },
      { searchDomains: ["example.org"], matchDomains: ["example.org"] },
    ],
  ])("%s", (_, settings, expected) => {
    expect(dnsOf({ servers: ["192.0.2.53"], ...settings })).toEqual({ servers: ["192.0.2.53"], ...expected });
  });
});

describe("descriptorDriver()", () => {
  test("android: packets of a descriptor have nothing before them, in both directions", () => {
    using namespace = NetworkNamespace.create();
    using owner = namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none" }));
    using other = namespace.run(() => new PacketSocket(owner.name));
    const driver = descriptorDriver("android");
    const device = driver.openDescriptor(owner.fd, { ownership: "borrowed" });
    expect(device.writev([conformancePacket(60, 1)])).toBe(true);
    expect(other.receive()).toEqual(conformancePacket(60, 1));
    other.send(conformancePacket(61, 2));
    device.wait(1000);
    const packet = new Uint8Array(2048);
    expect(device.readv([packet])).toBe(61);
    expect(packet.slice(0, 61)).toEqual(conformancePacket(61, 2));
    device.close();
  });

  test("ios: packets of a descriptor stand behind their family, which is not seen", () => {
    using kernel = darwinKernel();
    const owner = darwinDriver(onDarwin(kernel)).open({ name: "utun4" });
    using other = kernel.namespace.run(() => new PacketSocket("utun4"));
    const [, fd] = /fd\\":(\d+)/.exec(JSON.stringify(owner.handOver())) ?? [];
    const device = descriptorDriver("ios", onDarwin(kernel)).openDescriptor(Number(fd), { ownership: "borrowed" });
    expect(device.name).toBe("utun4");
    expect(device.writev([conformancePacket(60, 1)])).toBe(true);
    expect(other.receive()).toEqual(conformancePacket(60, 1));
    device.close();
    owner.close();
  });

  test.each(["android", "ios"] as const)("%s: what only the system may do says so", async (platform) => {
    const driver = descriptorDriver(platform);
    const work = [() => driver.open({}), () => driver.openNetwork(), () => driver.createNamespace()];
    for (const each of work) {
      expect(failureOf(each)).toMatchObject({
        code: "E_UNSUPPORTED",
        message: expect.stringContaining(platform) as string,
      });
    }
    await expect(driver.setDns({ index: 1, name: "tun0" }, { servers: ["192.0.2.53"] })).rejects.toMatchObject({
      code: "E_UNSUPPORTED",
    });
  });
});
