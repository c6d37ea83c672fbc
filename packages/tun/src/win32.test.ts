// The driver of Windows behind this package's calls, with a double in the place of Windows.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { DeviceError, type SystemDevice } from "@bunnel/device";
import { World } from "@bunnel/tun-win32/double";
import { driverOf, type Driver, type DriverNetwork } from "./driver.ts";
import { win32 } from "./win32.ts";

const world = new World(true);
const driver: Driver = win32(world.setup);
let device: SystemDevice;
let network: DriverNetwork;

beforeEach(() => {
  device = driver.open({ name: "tunnel", addresses: ["192.0.2.1/24"], mtuBytes: 1400 });
  network = driver.openNetwork();
  world.record();
});
afterEach(() => {
  device.close();
  expect(world.held()).toBe(0);
});

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof DeviceError) return error.code;
    throw error;
  }
  return "nothing";
}

describe("driverOf(win32)", () => {
  test("is there on every machine, and says what it can", () => {
    expect(driverOf("win32").capabilities).toMatchObject({ platform: "win32", media: ["ip", "ethernet"] });
    expect(codeOf(() => driverOf("aix"))).toBe("E_UNSUPPORTED");
  });

  test("tells of interfaces and addresses in this package's words", () => {
    const link = network.link("tunnel");
    expect(link).toMatchObject({ index: device.index, mtuBytes: 1400, up: true, running: true, operState: "up" });
    expect(link).toMatchObject({ pointToPoint: true, arp: false, loopback: false, hardwareType: 65534 });
    expect(driver.linkOf(device)).toEqual(link);
    expect(network.links()).toHaveLength(1);
    expect(network.addresses(device.index)).toMatchObject([{ family: 4, address: "192.0.2.1/24", scope: 0 }]);
    network.addAddress(device.index, "fe80::1/64", { noDad: true });
    expect(network.addresses().map(({ scope }) => scope)).toEqual([0, 253]);
    network.flushAddresses(device.index);
    expect(network.addresses().map(({ address }) => address)).toEqual(["fe80::1/64"]);
    network.setLink(device.index, { mtuBytes: 1300, ipv6LinkLocal: "none" });
    expect(network.link(device.index)?.mtuBytes).toBe(1300);
  });

  test("routes that are listed can be given back; a lookup says where a packet goes", () => {
    const { index } = device;
    network.addRoute({ destination: "203.0.113.0/24", gateway: "192.0.2.9", index, metric: 4 });
    const [route, ...more] = network.routes({ index });
    expect([route?.destination, route?.table, more]).toEqual(["203.0.113.0/24", 254, []]);
    expect(network.lookupRoute({ destination: "203.0.113.7" })).toMatchObject({
      type: "unicast",
      route: { destination: "203.0.113.7", gateway: "192.0.2.9", source: "192.0.2.1", index },
    });
    if (route) network.changeRoute({ ...route, metric: 9 });
    expect(network.routes().map(({ metric }) => metric)).toEqual([9]);
    if (route) network.removeRoute(route);
    expect(network.routes()).toEqual([]);
    expect(codeOf(() => network.addRoute({ destination: "203.0.113.0/24" }))).toBe("E_DEVICE_OPTION");
  });

  test("neighbours are replaced, and only learned ones are flushed", () => {
    const [address, mac] = ["192.0.2.9", "02:00:00:00:00:09"];
    network.addNeighbour(device.index, { address, mac });
    network.replaceNeighbour(device.index, { address, mac: "02:00:00:00:00:10" });
    network.flushNeighbours(device.index);
    expect(network.neighbours()).toMatchObject([{ address, mac: "02:00:00:00:00:10", state: "permanent" }]);
    network.removeNeighbour(device.index, address);
  });

  test("name servers are set, changed, and taken away", async () => {
    const hold = await driver.setDns({ index: device.index, name: "tunnel" }, { servers: ["192.0.2.53"] });
    expect(hold.backend).toBe("iphlpapi");
    await hold.change({ servers: ["2001:db8::53"], domains: ["example.org"] });
    expect(await hold.restore()).toBe(true);
    const words = world.record().map((line) => line.replace(/guid=\w+ version=1 /, ""));
    expect(words.filter((line) => line !== "dns flush")).toEqual([
      "dns flags=6 servers=192.0.2.53 search=",
      "dns flags=7 servers= search=",
      "dns flags=6 servers= search=example.org",
      "dns flags=7 servers=2001:db8::53 search=example.org",
      "dns flags=6 servers= search=",
      "dns flags=7 servers= search=",
    ]);
    expect(await driver.recoverDns()).toEqual([]);
  });

  test("changes of the device's interface are told", async () => {
    const events = driver.watchFrom(device);
    network.addAddress(device.index, "192.0.2.2/24");
    const { value } = await events.next();
    expect(value).toMatchObject({ type: "address", change: "changed", address: { address: "192.0.2.2/24" } });
    events.close();
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("what Windows has not says E_UNSUPPORTED", () => {
    const { index } = device;
    const calls: readonly (() => unknown)[] = [
      () => driver.openQueue(device),
      () => driver.openDescriptor(3, { ownership: "borrowed" }),
      () => driver.createNamespace(),
      () => network.addRule({ family: 4, priority: 1 }),
      () => network.addLink({ kind: "dummy", name: "d0" }),
      () => network.addDummy("d0"),
      () => network.addVeth("a0", "b0"),
      () => network.deleteLink(index),
      () => network.addProxy(index, "192.0.2.3"),
      () => network.setLink(index, { name: "other" }),
      () => network.addAddress(index, "192.0.2.4/24", { label: "x" }),
      () => network.addRoute({ destination: "203.0.113.0/24", index, table: 100 }),
      () => network.addRoute({ destination: "203.0.113.0/24", index, source: "192.0.2.1" }),
      () => network.lookupRoute({ destination: "203.0.113.7", mark: 1 }),
    ];
    expect(calls.map(codeOf)).toEqual(calls.map(() => "E_UNSUPPORTED"));
    expect([network.rules(), network.routes({ table: 100 }), network.neighbours({ proxy: true })]).toEqual([
      [],
      [],
      [],
    ]);
  });
});
