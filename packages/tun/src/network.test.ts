// needs root: network namespaces
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NetworkNamespace } from "@bunnel/tun-linux";
import { dns, Interface, interfaces, neighbours, routes, rules, watchNetwork, type DriverDnsHold } from "./index.ts";

let namespace: NetworkNamespace;
let left: Interface;
beforeEach(() => {
  namespace = NetworkNamespace.create();
  left = namespace.run(() => Interface.create({ kind: "veth", name: "a0", up: true, peer: { name: "b0" } }));
  left.set({ ipv6LinkLocal: "none" });
});
afterEach(() => {
  left.close();
  namespace.close();
});

/** What `ip -j` tells inside. */
function ip(words: string): Record<string, unknown>[] {
  const { stdout } = namespace.run(() => Bun.spawnSync(["ip", "-j", ...words.split(" ")]));
  const text = stdout.toString();
  return text.trim() === "" ? [] : (JSON.parse(text) as Record<string, unknown>[]);
}

describe("Interface", () => {
  test("create() makes one that iproute2 sees, delete() removes it and its peer", () => {
    expect(ip("link").map(({ ifname }) => ifname)).toEqual(["lo", "b0", "a0"]);
    expect(left.info()).toMatchObject({ name: "a0", kind: "veth", up: true });
    left.delete();
    expect(ip("link").map(({ ifname }) => ifname)).toEqual(["lo"]);
    expect(() => left.info()).toThrow("expected one, found it deleted");
  });

  test("addresses are added with all that belongs to them, replaced, removed by the address alone, flushed", () => {
    left.addAddress("192.0.2.1/24", { broadcast: "auto", label: "a0:x", metric: 9 });
    left.addAddress("2001:db8::1/64", { noDad: true });
    left.replaceAddress("192.0.2.1/24", { validSeconds: 500, metric: 8 });
    const infos = () => ip("addr show dev a0")[0]?.["addr_info"] as Record<string, unknown>[];
    expect(infos()[0]).toMatchObject({ broadcast: "192.0.2.255", label: "a0:x", metric: 8, dynamic: true });
    expect(left.addresses()[0]).toMatchObject({ validSeconds: expect.any(Number) as number, broadcast: "192.0.2.255" });
    left.removeAddress("2001:db8::1");
    left.flushAddresses();
    expect(infos()).toEqual([]);
  });

  test("set() changes what is named, and says when a name needs it down", () => {
    left.set({ alias: "uplink", mac: "02:00:00:00:00:01", group: 5 });
    expect(ip("link show dev a0")[0]).toMatchObject({ ifalias: "uplink", address: "02:00:00:00:00:01", group: "5" });
    expect(() => left.set({ name: "c0" })).toThrow("expected it down");
    left.set({ name: "c0", up: false });
    expect(namespace.run(interfaces).map(({ name }) => name)).toEqual(["lo", "b0", "c0"]);
  });
});

describe("routes", () => {
  test("are added, appended, replaced, changed, looked up, listed and removed", () => {
    left.addAddress("192.0.2.1/24");
    using right = namespace.run(() => Interface.open("b0"));
    right.set({ up: true });
    namespace.run(() => {
      const route = { destination: "203.0.113.0/24", table: 4000 };
      expect(() => routes.change({ ...route, gateway: "192.0.2.2" })).toThrow("ENOENT");
      routes.add({ ...route, gateway: "192.0.2.2", metrics: { mtuBytes: 1300 } });
      routes.append({ ...route, gateway: "192.0.2.3" });
      routes.change({ ...route, gateway: "192.0.2.4" });
      routes.replace({ destination: "default", gateway: "192.0.2.254" });
      expect(routes.list({ table: 4000 }).map(({ gateway }) => gateway)).toEqual(["192.0.2.4", "192.0.2.3"]);
      expect(ip("route show table 4000")).toMatchObject([{ gateway: "192.0.2.4" }, { gateway: "192.0.2.3" }]);
      rules.add({ family: 4, priority: 9000, uidRange: [4242, 4242], table: 4000 });
      expect(routes.lookup({ destination: "203.0.113.9" }).route?.gateway).toBe("192.0.2.254");
      expect(routes.lookup({ destination: "203.0.113.9", uid: 4242 }).route?.gateway).toBe("192.0.2.4");
      for (const listed of routes.list({ table: 4000 })) routes.remove(listed);
      expect(routes.list({ table: 4000 })).toEqual([]);
      expect(rules.list().filter(({ priority }) => priority === 9000)).toHaveLength(1);
    });
  });
});

describe("neighbours", () => {
  test("are added, replaced, listed, removed and flushed, proxies too", () => {
    left.addAddress("192.0.2.1/24");
    const mac = "02:00:00:00:00:02";
    namespace.run(() => {
      neighbours.add(left.index, { address: "192.0.2.2", mac, state: "stale" });
      neighbours.replace(left.index, { address: "192.0.2.3", mac });
      neighbours.addProxy(left.index, "192.0.2.50");
      const listed = neighbours.list({ index: left.index }).map(({ address }) => address);
      expect(new Set(listed)).toEqual(new Set(["192.0.2.2", "192.0.2.3"]));
      expect(ip("neigh show proxy").map(({ dst }) => dst)).toEqual(["192.0.2.50"]);
      neighbours.flush(left.index);
      expect(ip("neigh show dev a0 nud all").map(({ dst }) => dst)).toEqual(["192.0.2.3"]);
      neighbours.remove(left.index, "192.0.2.3");
      neighbours.removeProxy(left.index, "192.0.2.50");
      expect(neighbours.list({ proxy: true })).toEqual([]);
      expect(() => neighbours.remove(left.index, "192.0.2.99")).toThrow("ENOENT");
    });
  });
});

describe("dns", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bunnel-dns-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("sets servers, puts back what was, and knows interfaces by name and index", async () => {
    const resolvConfPath = join(folder, "resolv.conf");
    writeFileSync(resolvConfPath, "nameserver 198.51.100.53\n");
    const options = { backend: "resolv.conf", resolvConfPath, stateFolder: join(folder, "state") } as const;
    for (const link of ["a0", left.index]) {
      const begun = Promise.withResolvers<DriverDnsHold>();
      namespace.run(() => begun.resolve(dns.set(link, { servers: ["192.0.2.53"] }, options)));
      {
        await using hold = await begun.promise;
        expect(hold.backend).toBe("resolv.conf");
        expect(readFileSync(resolvConfPath, "utf8")).toContain("nameserver 192.0.2.53\n");
      }
      expect(readFileSync(resolvConfPath, "utf8")).toBe("nameserver 198.51.100.53\n");
    }
    expect(await dns.recover(options)).toEqual([]);
    await expect(dns.set("none0", { servers: ["192.0.2.53"] }, options)).rejects.toMatchObject({
      code: "E_DEVICE_GONE",
    });
  });
});

describe("watchNetwork()", () => {
  test("tells of the topics that are named, until the signal", async () => {
    const controller = new AbortController();
    const options = { topics: ["neighbour", "address"], signal: controller.signal } as const;
    using events = namespace.run(() => watchNetwork(options));
    left.addAddress("192.0.2.1/24");
    namespace.run(() => neighbours.add(left.index, { address: "192.0.2.2", mac: "02:00:00:00:00:02" }));
    const seen: string[] = [];
    while (!seen.includes("neighbour")) {
      const { value } = await events.next();
      if (value) seen.push(value.type);
    }
    expect(seen).toContain("address");
    controller.abort();
    await expect(events.next()).rejects.toThrow();
  });
});
