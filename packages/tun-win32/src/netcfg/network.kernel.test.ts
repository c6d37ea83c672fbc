// What the network calls ask of iphlpapi, decoded by the double: by the golden offsets on Linux, by mingw-w64's own
// structs under Wine.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { failureOf } from "../../test/failure.ts";
import { World } from "../../test/world.ts";
import * as win from "../constants.ts";
import { formatGuid, parseGuid } from "../guid.ts";
import { openWindowsTun } from "../open.ts";
import type { WindowsDevice } from "../windows-device.ts";
import type { WindowsEvent } from "./events.ts";
import { WindowsNetwork } from "./network.ts";

const GUID = "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}";
/** The same in memory: the first three parts are little-endian. */
const GUID_HEX = "10b8a76bad9dd11180b400c04fd430c8";
const world = new World(true);
let device: WindowsDevice;
let network: WindowsNetwork;

beforeEach(() => {
  device = openWindowsTun({ name: "net", guid: GUID, setup: world.setup });
  network = new WindowsNetwork(world.setup);
  world.record();
});
afterEach(() => {
  device.close();
  expect(world.violations()).toEqual([]);
  expect(world.held()).toBe(0);
});

describe("WindowsNetwork", () => {
  test("links() and link() tell of an interface by name and index", () => {
    const found = network.link("net");
    expect(found).toMatchObject({ index: device.index, luid: device.luid, guid: GUID, name: "net", mtuBytes: 1500 });
    expect(found).toMatchObject({ up: true, running: true, loopback: false, type: win.IF_TYPE_PROP_VIRTUAL });
    expect(network.link(device.index)).toEqual(found);
    expect(network.links()).toEqual(found ? [found] : []);
    expect(network.link("nobody")).toBeUndefined();
    expect(network.link(9999)).toBeUndefined();
    expect(failureOf(() => network.setLink(9999, {}))).toMatchObject({ code: "E_DEVICE_GONE" });
  });

  test("setLink() reads the stack before it writes it, and changes what is named only", () => {
    network.setLink(device.index, { metric: 9, forwarding: true }, 4);
    network.setLink(device.index, { mtuBytes: 1400, metric: "auto" }, 4);
    // Of the row of the interface itself Windows says 65535 all the while.
    expect(network.link(device.index)?.mtuBytes).toBe(1400);
    network.setLink(device.index, { linkLocal: false }, 6);
    expect(world.record()).toEqual([
      "stack IPv4 mtu=1500 metric=9/0 dad=0 discovery=0 linklocal=0 site=0 forwarding=1",
      "stack IPv4 mtu=1400 metric=0/1 dad=0 discovery=0 linklocal=0 site=0 forwarding=1",
      "stack IPv6 mtu=1500 metric=0/0 dad=0 discovery=0 linklocal=0 site=64 forwarding=0",
    ]);
    expect(failureOf(() => network.setLink(device.index, { mtuBytes: 1000 }, 6)).code).toBe("E_DEVICE_OPTION");
  });

  test("addresses are added, listed and removed with any prefix length", () => {
    for (const address of ["192.0.2.9/25", "203.0.113.1/32", "2001:db8::9/56"])
      network.addAddress(device.index, address);
    const listed = network.addresses(device.index);
    expect(listed.map(({ address }) => address)).toEqual(["192.0.2.9/25", "203.0.113.1/32", "2001:db8::9/56"]);
    expect(listed[2]).toEqual({ index: device.index, family: 6, address: "2001:db8::9/56", preferred: true });
    world.record();
    network.removeAddress(device.index, "192.0.2.9");
    network.removeAddress(device.index, "2001:db8::9/56");
    expect(world.record().map((line) => line.split(" dad")[0])).toEqual([
      "address remove c0000209/25",
      "address remove 20010db8000000000000000000000009/56",
    ]);
    expect(failureOf(() => network.removeAddress(device.index, "192.0.2.9")).code).toBe("E_DEVICE_MISSING");
    network.addAddress(device.index, "fe80::9/64");
    network.flushAddresses(device.index);
    expect(network.addresses().map(({ address }) => address)).toEqual(["fe80::9/64"]);
    network.flushAddresses(device.index, { linkLocal: true, family: 6 });
    expect(network.addresses()).toEqual([]);
  });

  test("routes are added, listed, replaced, looked up and removed", () => {
    const { index } = device;
    network.addAddress(index, "192.0.2.9/24");
    world.record();
    network.addRoute({ destination: "203.0.113.0/24", index, metric: 3 });
    network.addRoute({ gateway: "192.0.2.1", index });
    network.addRoute({ destination: "2001:db8:1::/48", gateway: "2001:db8::1", index });
    network.addRoute({ family: 6, index });
    const none6 = "0".repeat(32);
    expect(world.record()).toEqual([
      "route add cb007100/24 by 00000000 metric=3 protocol=3 origin=0",
      "route add 00000000/0 by c0000201 metric=0 protocol=3 origin=0",
      "route add 20010db8000100000000000000000000/48 by 20010db8000000000000000000000001 metric=0 protocol=3 origin=0",
      `route add ${none6}/0 by ${none6} metric=0 protocol=3 origin=0`,
    ]);
    const listed = network.routes({ index });
    expect(listed.map(({ destination, gateway }) => [destination, gateway])).toEqual([
      ["203.0.113.0/24", undefined],
      ["default", "192.0.2.1"],
      ["2001:db8:1::/48", "2001:db8::1"],
      ["default", undefined],
    ]);
    expect(network.lookupRoute("203.0.113.7")).toEqual({
      destination: "203.0.113.0/24",
      family: 4,
      index,
      metric: 3,
      protocol: 3,
      source: "192.0.2.9",
    });
    expect(network.lookupRoute("198.51.100.7", index)).toMatchObject({ destination: "default", gateway: "192.0.2.1" });
    const again = { destination: "203.0.113.0/24", index, metric: 8 };
    expect(failureOf(() => network.addRoute(again)).code).toBe("E_DEVICE_BUSY");
    network.replaceRoute(again);
    expect(network.lookupRoute("203.0.113.7").metric).toBe(8);
    // What is listed can be given back.
    for (const route of network.routes({ index })) network.removeRoute(route);
    expect(network.routes()).toEqual([]);
    expect(failureOf(() => network.removeRoute(again)).code).toBe("E_DEVICE_MISSING");
    expect(failureOf(() => network.lookupRoute("203.0.113.7")).code).toBe("E_DEVICE_SYSTEM");
    const mixed = { destination: "203.0.113.0/24", gateway: "2001:db8::1", index };
    expect(failureOf(() => network.addRoute(mixed)).message).toBe(
      "gateway of 203.0.113.0/24: expected one of IPv4, found 2001:db8::1",
    );
  });

  test("neighbours are added, listed and removed", () => {
    network.addNeighbour(device.index, "192.0.2.77", "02:00:00:00:00:77");
    expect(world.record()).toEqual(["neighbour add bytes=6 state=6"]);
    expect(network.neighbours(device.index)).toEqual([
      { index: device.index, address: "192.0.2.77", mac: "02:00:00:00:00:77", state: "permanent" },
    ]);
    const again = () => network.addNeighbour(device.index, "192.0.2.77", "02:00:00:00:00:77");
    expect(failureOf(again).code).toBe("E_DEVICE_BUSY");
    expect(failureOf(() => network.addNeighbour(device.index, "192.0.2.1", "02:00")).code).toBe("E_DEVICE_OPTION");
    network.removeNeighbour(device.index, "192.0.2.77");
    expect(network.neighbours()).toEqual([]);
    expect(failureOf(() => network.removeNeighbour(device.index, "192.0.2.77")).code).toBe("E_DEVICE_MISSING");
  });

  test("setDns() tells each family its servers, and flushes; clearDns() takes them away", () => {
    network.setDns(device.index, { servers: ["192.0.2.53", "2001:db8::53", "192.0.2.54"], search: ["example.org"] });
    network.clearDns(device.index);
    expect(world.record()).toEqual([
      `dns guid=${GUID_HEX} version=1 flags=6 servers=192.0.2.53,192.0.2.54 search=example.org`,
      `dns guid=${GUID_HEX} version=1 flags=7 servers=2001:db8::53 search=example.org`,
      "dns flush",
      `dns guid=${GUID_HEX} version=1 flags=6 servers= search=`,
      `dns guid=${GUID_HEX} version=1 flags=7 servers= search=`,
      "dns flush",
    ]);
    world.fail("SetInterfaceDnsSettings", win.ERROR_ACCESS_DENIED);
    expect(failureOf(() => network.clearDns(device.index)).code).toBe("E_DEVICE_DENIED");
  });

  test("watch() tells of addresses, routes and stacks as they change, and gives its registrations back", async () => {
    const { index } = device;
    const seen: string[] = [];
    using events = network.watch();
    expect(world.held()).toBeGreaterThanOrEqual(3);
    network.addAddress(index, "192.0.2.9/24");
    network.addRoute({ destination: "203.0.113.0/24", index });
    for await (const event of events) {
      seen.push(describe_(event));
      if (seen.length === 2) network.setLink(index, { mtuBytes: 1300 }, 4);
      if (seen.length === 3) network.removeAddress(index, "192.0.2.9");
      if (seen.length === 4) break;
    }
    expect(seen).toEqual([
      "changed 192.0.2.9/24",
      "changed 203.0.113.0/24",
      "changed net 1300",
      "removed 192.0.2.9/24",
    ]);
  });

  test("watch() ends with the signal's reason, and gives back what it had when a registration fails", async () => {
    const controller = new AbortController();
    const events = network.watch({ signal: controller.signal, topics: ["address"] });
    const ended = (async () => {
      for await (const event of events) throw new Error(`nothing happened, found ${event.type}`);
    })().catch((error: unknown) => error);
    await Bun.sleep(1);
    const before = world.held();
    controller.abort(new Error("enough"));
    expect(await ended).toEqual(new Error("enough"));
    expect(world.held()).toBe(before - 1);
    world.fail("NotifyRouteChange2", win.ERROR_ACCESS_DENIED);
    expect(failureOf(() => network.watch()).code).toBe("E_DEVICE_DENIED");
    expect(world.held()).toBe(before - 1);
  });

  test("GUIDs read and write as Windows has them", () => {
    expect(Buffer.from(parseGuid(GUID)).toString("hex")).toBe(GUID_HEX);
    expect(formatGuid(parseGuid(GUID.slice(1, -1)))).toBe(GUID);
  });
});

function describe_(event: WindowsEvent): string {
  if (event.type === "link") return `${event.change} ${event.link.name} ${event.link.mtuBytes}`;
  return `${event.change} ${event.type === "address" ? event.address.address : event.route.destination}`;
}
