// Links, addresses, routes and events, in front of a fake kernel: the same for every system.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BsdNetwork, type BsdEvent, type BsdTun, type Calls } from "../src/index.ts";
import { failureOf } from "./failure.ts";
import type { Kernel } from "./kernel.ts";

export interface NetworkSubject {
  readonly kernel: Kernel;
  readonly calls: Calls;
  /** A device of IP packets with 192.0.2.1/24 and 2001:db8::1/64, up. */
  readonly device: BsdTun;
}

/** Registers the suite under `name`. */
export function networkSuite(name: string, open: () => NetworkSubject): void {
  describe(`the network of ${name}`, () => {
    let subject: NetworkSubject;
    let network: BsdNetwork;
    beforeAll(() => {
      subject = open();
      network = new BsdNetwork(subject.calls);
    });
    afterAll(() => {
      network.close();
      subject.device.close();
      expect(subject.kernel.held()).toMatchObject({ interfaces: 0, routes: 0 });
      subject.kernel[Symbol.dispose]();
    });
    const link = () => ({ name: subject.device.name, index: subject.device.index, pointToPoint: true });
    const ipRoutes = (family: 4 | 6) => subject.kernel.namespace.ip(`-${family} route show dev ${subject.device.name}`);

    test("links() tells name, index, MTU and state", () => {
      const { device } = subject;
      const found = {
        index: device.index,
        mtuBytes: 1400,
        up: true,
        running: true,
        pointToPoint: true,
        loopback: false,
      };
      expect(network.link(device.name)).toMatchObject({ name: device.name, ...found });
      expect(network.link(device.index)).toMatchObject(found);
      expect(network.link("none0")).toBeUndefined();
    });

    test("addresses() tells both, with their prefix lengths", () => {
      const { index } = subject.device;
      expect(network.addresses(index)).toMatchObject([
        { index, family: 4, address: "192.0.2.1/24" },
        { index, family: 6, address: "2001:db8::1/64" },
      ]);
    });

    test("addAddress() and removeAddress() do what they say, with the route to the network", () => {
      network.addAddress(link(), "198.51.100.7/28");
      network.addAddress(link(), "2001:db8:1::7/64");
      expect(ipRoutes(4)).toContainEqual(expect.objectContaining({ dst: "198.51.100.0/28" }));
      expect(failureOf(() => network.addAddress(link(), "198.51.100.7/28"))).toMatchObject({ code: "E_DEVICE_BUSY" });
      network.removeAddress(link(), "198.51.100.7/28");
      network.removeAddress(link(), "2001:db8:1::7/64");
      expect(ipRoutes(4)).not.toContainEqual(expect.objectContaining({ dst: "198.51.100.0/28" }));
      expect(network.addresses(subject.device.index)).toHaveLength(2);
      const missing = failureOf(() => network.removeAddress(link(), "198.51.100.7/28"));
      expect(missing).toMatchObject({ code: "E_DEVICE_MISSING", errno: 49 });
      expect(failureOf(() => network.removeAddress(link(), "2001:db8:1::7/64"))).toMatchObject({ errno: 49 });
    });

    test("setLink() changes MTU and state, and says what cannot be", () => {
      const { device } = subject;
      network.setLink(device.name, { mtuBytes: 1300, up: false });
      expect(network.link(device.name)).toMatchObject({ mtuBytes: 1300, up: false });
      network.setLink(device.name, { mtuBytes: 1400, up: true });
      expect(subject.kernel.namespace.ip(`link show dev ${device.name}`)[0]).toMatchObject({ mtu: 1400 });
      expect(failureOf(() => network.setLink(device.name, { mtuBytes: 100 }))).toMatchObject({
        code: "E_DEVICE_OPTION",
      });
      expect(failureOf(() => network.setLink("none0", { up: true }))).toMatchObject({
        code: "E_DEVICE_GONE",
        errno: 6,
      });
      const denied = failureOf(() =>
        subject.kernel.withoutPrivilege(() => network.setLink(device.name, { up: false })),
      );
      expect(denied).toMatchObject({ code: "E_DEVICE_DENIED" });
    });

    test("routes are added, listed, changed, replaced and removed, in both families", () => {
      const { index } = subject.device;
      const specs = [
        { destination: "203.0.113.0/24", index, mtuBytes: 1280 },
        { destination: "198.51.100.9/32", gateway: "192.0.2.9", index },
        { destination: "0.0.0.0/0", index },
        { destination: "2001:db8:5::/48", index },
        { destination: "2001:db8:6::/48", gateway: "2001:db8::9", index },
        { destination: "::/0", index },
      ];
      for (const spec of specs) network.addRoute(spec);
      for (const spec of specs) expect(network.routes()).toContainEqual(expect.objectContaining(spec));
      expect(ipRoutes(4)).toContainEqual(expect.objectContaining({ dst: "198.51.100.9", gateway: "192.0.2.9" }));
      expect(ipRoutes(4)).toContainEqual(expect.objectContaining({ dst: "default" }));
      expect(ipRoutes(6)).toContainEqual(expect.objectContaining({ dst: "2001:db8:6::/48", gateway: "2001:db8::9" }));
      const [first] = specs;
      if (!first) throw new Error("specs: expected some, found none");
      expect(failureOf(() => network.addRoute(first))).toMatchObject({ code: "E_DEVICE_BUSY", errno: 17 });
      network.replaceRoute({ ...first, mtuBytes: 1290 });
      expect(network.routes()).toContainEqual(expect.objectContaining({ ...first, mtuBytes: 1290 }));
      for (const spec of specs) network.removeRoute(spec);
      expect(failureOf(() => network.removeRoute(first))).toMatchObject({ code: "E_DEVICE_MISSING", errno: 3 });
      expect(failureOf(() => network.changeRoute(first))).toMatchObject({ code: "E_DEVICE_MISSING", errno: 3 });
    });

    test("routes that lead nowhere say so", () => {
      network.addRoute({ destination: "203.0.113.0/24", type: "unreachable" });
      network.addRoute({ destination: "198.51.100.0/24", type: "blackhole" });
      const all = subject.kernel.namespace.ip("route show");
      expect(all).toContainEqual(expect.objectContaining({ type: "unreachable", dst: "203.0.113.0/24" }));
      expect(all).toContainEqual(expect.objectContaining({ type: "blackhole", dst: "198.51.100.0/24" }));
      for (const destination of ["203.0.113.0/24", "198.51.100.0/24"]) network.removeRoute({ destination });
    });

    test("lookupRoute() tells the way, by the longest prefix; undefined where there is none", () => {
      const { index } = subject.device;
      network.addRoute({ destination: "203.0.113.0/24", index });
      network.addRoute({ destination: "203.0.113.64/26", gateway: "192.0.2.9", index });
      expect(network.lookupRoute("203.0.113.9")).toMatchObject({ destination: "203.0.113.0/24", index });
      expect(network.lookupRoute("203.0.113.70")).toMatchObject({ gateway: "192.0.2.9" });
      expect(network.lookupRoute("2001:db8:77::1")).toBeUndefined();
      for (const destination of ["203.0.113.0/24", "203.0.113.64/26"]) network.removeRoute({ destination, index });
    });

    test("watch() tells of links, addresses and routes as they change, and ends with an abort", async () => {
      const { device } = subject;
      const controller = new AbortController();
      using events = network.watch({ signal: controller.signal });
      network.setLink(device.name, { mtuBytes: 1350 });
      network.setLink(device.name, { mtuBytes: 1400 });
      network.addAddress(link(), "198.51.100.7/28", { connectedRoute: false });
      network.removeAddress(link(), "198.51.100.7/28");
      network.addRoute({ destination: "203.0.113.0/24", index: device.index });
      network.removeRoute({ destination: "203.0.113.0/24", index: device.index });
      const seen: BsdEvent[] = [];
      while (seen.length < 6) seen.push((await events.next()).value ?? { type: "lost" });
      expect(seen).toMatchObject([
        { type: "link", change: "changed", index: device.index, link: { mtuBytes: 1350 } },
        { type: "link", link: { mtuBytes: 1400 } },
        { type: "address", change: "changed", address: { address: "198.51.100.7/28" } },
        { type: "address", change: "removed", address: { address: "198.51.100.7/28" } },
        { type: "route", change: "changed", route: { destination: "203.0.113.0/24" } },
        { type: "route", change: "removed", route: { destination: "203.0.113.0/24" } },
      ]);
      const waiting = events.next().catch((error: unknown) => error);
      controller.abort(new Error("no longer wanted"));
      expect(await waiting).toEqual(new Error("no longer wanted"));
    });
  });
}
