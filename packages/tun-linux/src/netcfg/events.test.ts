// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { runInside } from "../../test/witness.ts";
import { NetworkNamespace } from "../namespace.ts";
import type { NetworkEvent, NetworkEvents } from "./events.ts";
import { RouteNetlink } from "./route-netlink.ts";

let namespace: NetworkNamespace;
let netlink: RouteNetlink;
let events: NetworkEvents;

beforeEach(() => {
  namespace = NetworkNamespace.create();
  netlink = namespace.run(() => RouteNetlink.open());
  events = namespace.run(() => netlink.watch());
});
afterEach(() => {
  events.close();
  netlink.close();
  namespace.close();
});

/** The first event that `wanted` accepts. */
async function nextOf(wanted: (event: NetworkEvent) => boolean): Promise<NetworkEvent | undefined> {
  for (;;) {
    const { done, value } = await events.next();
    if (done || wanted(value)) return value;
  }
}

describe("NetworkEvents", () => {
  test("tell of links, addresses, routes and rules that others change", async () => {
    const run = (command: string) => runInside(namespace, "ip", ...command.split(" "));
    run("link add a0 type veth peer name b0");
    const link = await nextOf((event) => event.type === "link" && event.link.name === "a0");
    expect(link).toMatchObject({ type: "link", change: "changed", link: { kind: "veth" } });

    run("addr add 192.0.2.1/24 dev a0");
    const address = await nextOf(({ type }) => type === "address");
    expect(address).toMatchObject({ change: "changed", address: { address: "192.0.2.1/24", family: 4 } });

    run("link set a0 up");
    run("route add 203.0.113.0/24 via 192.0.2.2");
    const route = await nextOf((event) => event.type === "route" && event.route.gateway !== undefined);
    expect(route).toMatchObject({ route: { destination: "203.0.113.0/24", gateway: "192.0.2.2" } });

    run("-6 rule add pref 9000 lookup 4000");
    expect(await nextOf(({ type }) => type === "rule")).toMatchObject({
      change: "changed",
      rule: { family: 6, priority: 9000, table: 4000 },
    });
    run("rule add pref 9000 lookup 4000");
    run("rule del pref 9000");
    expect(await nextOf((event) => event.type === "rule" && event.change === "removed")).toMatchObject({
      rule: { family: 4, priority: 9000 },
    });

    run("link del a0");
    const removed = await nextOf(
      (event) => event.type === "link" && event.change === "removed" && event.link.name === "a0",
    );
    expect(removed?.type).toBe("link");
  });

  test("wait without blocking the event loop", async () => {
    const next = events.next();
    let ticks = 0;
    await new Promise<void>((resolve) => {
      const tick = () => (++ticks === 3 ? resolve() : setImmediate(tick));
      tick();
    });
    namespace.run(() => netlink.addRule({ family: 4, priority: 9000, table: 4000 }));
    expect((await next).value).toMatchObject({ type: "rule" });
    expect(ticks).toBe(3);
  });

  test("close() ends a wait under way and every later one", async () => {
    const next = events.next();
    await Promise.resolve();
    events.close();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("breaking out of a loop closes them", async () => {
    netlink.addRule({ family: 4, priority: 9000, table: 4000 });
    for await (const event of events) {
      expect(event.type).toBe("rule");
      break;
    }
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("events that were lost are told of behind all older ones, and the watch goes on", async () => {
    const commands: string[] = [];
    for (let i = 1; i < 6000; i++) commands.push(`rule add pref ${i} lookup 4000`, `rule del pref ${i}`);
    namespace.run(() => Bun.spawnSync(["ip", "-batch", "-"], { stdin: Buffer.from(commands.join("\n")) }));
    const before: NetworkEvent[] = [];
    for (let event = await nextOf(() => true); event && event.type !== "lost"; event = await nextOf(() => true)) {
      before.push(event);
    }
    expect(before.length).toBeGreaterThan(100);
    expect(before.length).toBeLessThan(commands.length);
    // Whoever looks again now sees the truth, and nothing older than that comes any more.
    netlink.addRule({ family: 4, priority: 9000, table: 4000 });
    expect(await nextOf(() => true)).toMatchObject({ type: "rule", change: "changed", rule: { priority: 9000 } });
  });

  test("tell of neighbours when they are asked to, and of nothing else then", async () => {
    using neighbours = namespace.run(() => netlink.watch({ topics: ["neighbour"] }));
    runInside(namespace, "ip", "link", "add", "a0", "type", "veth", "peer", "name", "b0");
    runInside(namespace, "ip", "neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", "a0");
    const { value } = await neighbours.next();
    expect(value).toMatchObject({
      type: "neighbour",
      change: "changed",
      neighbour: { address: "192.0.2.2", mac: "02:00:00:00:00:02", state: "permanent" },
    });
    runInside(namespace, "ip", "neigh", "del", "192.0.2.2", "dev", "a0");
    for await (const event of neighbours) if (event.type === "neighbour" && event.change === "removed") break;
    expect((await neighbours.next()).done).toBe(true);
  });

  test("tell of one topic only, when only that was named", async () => {
    using addresses = namespace.run(() => netlink.watch({ topics: ["address"] }));
    runInside(namespace, "ip", "link", "add", "a0", "type", "veth", "peer", "name", "b0");
    runInside(namespace, "ip", "rule", "add", "pref", "9000", "lookup", "4000");
    runInside(namespace, "ip", "addr", "add", "192.0.2.1/24", "dev", "a0");
    expect((await addresses.next()).value).toMatchObject({ type: "address", address: { address: "192.0.2.1/24" } });
  });

  test("a port that leaves its bridge is not told of as removed", async () => {
    const run = (command: string) => runInside(namespace, "ip", ...command.split(" "));
    run("link add a0 type veth peer name b0");
    run("link add br0 type bridge");
    run("link set a0 master br0");
    run("link set a0 nomaster");
    run("link set a0 mtu 1300");
    const removed: NetworkEvent[] = [];
    await nextOf((event) => {
      if (event.type === "link" && event.change === "removed") removed.push(event);
      return event.type === "link" && event.link.mtuBytes === 1300;
    });
    expect(removed).toEqual([]);
  });

  test("an interface that moves to another namespace is removed here and comes there", async () => {
    using other = NetworkNamespace.create();
    using there = other.run(() => netlink.watch({ topics: ["link"] }));
    netlink.addVeth("a0", "b0");
    const index = netlink.link("a0")?.index ?? 0;
    netlink.setLink(index, { namespaceFd: other.fd });
    const here = await nextOf((event) => event.type === "link" && event.change === "removed");
    expect(here).toMatchObject({ link: { name: "a0", movedToNamespaceId: expect.any(Number) as number } });
    expect((await there.next()).value).toMatchObject({ type: "link", change: "changed", link: { name: "a0" } });
  });

  test("an aborted signal ends a wait under way and every later one with its reason", async () => {
    const controller = new AbortController();
    using watch = namespace.run(() => netlink.watch({ signal: controller.signal }));
    const next = watch.next();
    await Promise.resolve();
    controller.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
    await expect(watch.next()).rejects.toThrow("enough");
    expect(() => netlink.watch({ signal: controller.signal })).toThrow("enough");
  });

  test("a signal that is aborted after close() changes nothing", async () => {
    const controller = new AbortController();
    const watch = namespace.run(() => netlink.watch({ signal: controller.signal }));
    watch.close();
    expect(await watch.next()).toEqual({ done: true, value: undefined });
    controller.abort();
  });

  test("go on for the namespace where they were opened, wherever the reader is", async () => {
    using other = NetworkNamespace.create();
    let next: ReturnType<NetworkEvents["next"]> | undefined;
    other.run(() => {
      next = events.next();
      using elsewhere = RouteNetlink.open();
      elsewhere.addRule({ family: 4, priority: 1, table: 4000 });
    });
    netlink.addRule({ family: 4, priority: 2, table: 4000 });
    expect((await next)?.value).toMatchObject({ type: "rule", rule: { priority: 2 } });
  });
});
