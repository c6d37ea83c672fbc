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
  events = namespace.run(() => netlink.watchLinks());
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

  test("events that were lost are told of", async () => {
    const commands: string[] = [];
    for (let i = 1; i < 6000; i++) commands.push(`rule add pref ${i} lookup 4000`, `rule del pref ${i}`);
    namespace.run(() => Bun.spawnSync(["ip", "-batch", "-"], { stdin: Buffer.from(commands.join("\n")) }));
    const kinds: (string | undefined)[] = [];
    while (!kinds.includes("lost") && kinds.length < 12_000) kinds.push((await events.next()).value?.type);
    expect(kinds).toContain("lost");
    expect((await events.next()).value?.type).toBe("rule");
  });
});
