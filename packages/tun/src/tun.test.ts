// needs root
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { NetworkNamespace } from "@bunnel/tun-linux";
import {
  driverOf,
  fromDescriptor,
  Interface,
  interfaces,
  MemoryDevice,
  openTun,
  routes,
  rules,
  Tun,
  watchNetwork,
  type SystemDevice,
} from "./index.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

const EMPTY = new Uint8Array(0);
const OPTIONS = { addresses: ["192.0.2.1/24"], ipv6LinkLocal: "none" } as const;

function ip(...args: string[]): Record<string, unknown>[] {
  const { stdout } = namespace.run(() => Bun.spawnSync(["ip", "-j", ...args]));
  return JSON.parse(stdout.toString()) as Record<string, unknown>[];
}

/** Turns an ICMP echo request into its answer (RFC 792); undefined for any other packet. */
function echoReply(packet: Uint8Array): Uint8Array | undefined {
  if (packet[9] !== 1 || packet[20] !== 8) return undefined;
  const reply = packet.slice();
  reply.set(packet.subarray(16, 20), 12);
  reply.set(packet.subarray(12, 16), 16);
  reply[20] = 0;
  const view = new DataView(reply.buffer);
  const sum = view.getUint16(22) + 0x0800;
  view.setUint16(22, (sum & 0xffff) + (sum >>> 16));
  return reply;
}

async function answerPings(tun: Tun): Promise<number> {
  let answered = 0;
  for await (const packet of tun) {
    const reply = echoReply(packet);
    if (reply && tun.write(reply)) answered++;
  }
  return answered;
}

describe("openTun()", () => {
  test("a loop over its packets answers the system's ping, and ends when it is closed", async () => {
    const tun = namespace.run(() => openTun(OPTIONS));
    const answering = answerPings(tun);
    const ping = namespace.run(() => Bun.spawn(["ping", "-c", "5", "-i", "0.01", "-W", "5", "192.0.2.77"]));
    expect(await ping.exited).toBe(0);
    tun.close();
    tun.close();
    expect(await answering).toBe(5);
    expect(ip("link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });

  test("read() waits for a packet that comes later, and rejects when the device is deleted meanwhile", async () => {
    using tun = namespace.run(() => openTun(OPTIONS));
    const reading = tun.read();
    namespace.run(() => Bun.spawnSync(["ping", "-c", "1", "-W", "0.001", "192.0.2.77"]));
    expect([...(await reading).subarray(16, 20)]).toEqual([192, 0, 2, 77]);
    while (tun.tryRead());
    const next = tun.read().catch((error: unknown) => error);
    namespace.run(() => Bun.spawnSync(["ip", "link", "del", tun.name]));
    expect(await next).toMatchObject({ code: "E_DEVICE_GONE" });
  });

  test("a program that reads nothing ends by itself, one that reads does not end while it waits", () => {
    const module = new URL("./index.ts", import.meta.url).pathname;
    const run = (body: string) =>
      namespace.run(() => Bun.spawnSync([process.execPath, "-e", `import { openTun } from "${module}"; ${body}`]));
    const idle = run(`const tun = openTun({ ipv6LinkLocal: "none" }); console.log(tun.tryRead() ?? "nothing");`);
    expect([idle.exitCode, idle.stdout.toString()]).toEqual([0, "nothing\n"]);
    const reading = run(`
      const tun = openTun({ addresses: ["192.0.2.1/24"], ipv6LinkLocal: "none" });
      Bun.spawn(["sh", "-c", "sleep 0.2; ping -c 1 -W 0.001 192.0.2.9"], { stdout: "ignore" }).unref();
      console.log((await tun.read()).length);`);
    expect([reading.exitCode, reading.stdout.toString()]).toEqual([0, "84\n"]);
  });

  test("read() ends with the signal's reason, and the next read still finds its packet", async () => {
    await using tun = namespace.run(() => openTun(OPTIONS));
    const reason = await tun.read({ signal: AbortSignal.timeout(5) }).catch((error: unknown) => error);
    expect(reason).toMatchObject({ name: "TimeoutError" });
    namespace.run(() => Bun.spawnSync(["ping", "-c", "1", "-W", "0.001", "192.0.2.77"]));
    expect((await tun.read())[9]).toBe(1);
  });

  test("wake() ends the next readSync(), once, and a time that is over ends it, too", () => {
    using tun = namespace.run(() => openTun(OPTIONS));
    tun.wake();
    expect(tun.readSync()).toBeUndefined();
    expect(tun.readSync(2)).toBeUndefined();
  });

  test("readSync() blocks until a packet comes, readv() spreads it, writev() and send() put one together", async () => {
    using tun = namespace.run(() => openTun(OPTIONS));
    const ping = namespace.run(() => Bun.spawn(["ping", "-c", "3", "-i", "0.01", "-W", "5", "192.0.2.77"]));
    const first = echoReply(tun.readSync(5000) ?? new Uint8Array(0));
    expect(tun.writev([first?.subarray(0, 20) ?? EMPTY, first?.subarray(20) ?? EMPTY])).toBe(true);
    const [header, rest] = [new Uint8Array(20), new Uint8Array(200)];
    const bytes = await tun.readv([header, rest]);
    await tun.send(echoReply(Uint8Array.of(...header, ...rest.subarray(0, bytes - 20))) ?? EMPTY);
    for await (const packet of tun.packets({ signal: AbortSignal.timeout(5000) })) {
      const reply = echoReply(packet);
      if (reply && tun.write(reply)) break;
    }
    expect(tun.tryReadv([header])).toBe(-1);
    expect(await ping.exited).toBe(0);
  });

  test("readable and writable are pipes: a transform between them answers a ping", async () => {
    const tun = namespace.run(() => openTun(OPTIONS));
    const answering = new TransformStream<Uint8Array, Uint8Array>({
      transform(packet, controller) {
        const reply = echoReply(packet);
        if (reply) controller.enqueue(reply);
      },
    });
    const piping = tun.readable.pipeThrough(answering).pipeTo(tun.writable);
    const ping = namespace.run(() => Bun.spawn(["ping", "-c", "3", "-i", "0.01", "-W", "5", "192.0.2.77"]));
    expect(await ping.exited).toBe(0);
    tun.close();
    await piping;
  });

  test("with offload the packets come by the device, not one by one", () => {
    using tun = namespace.run(() => openTun({ offload: true }));
    expect(tun.capabilities.vnetHeader).toBe(true);
    expect(() => tun.tryRead()).toThrow("expected a device without offload");
  });

  test("fd is the descriptor below, and release() gives it away: the interface lives as long as it is open", () => {
    const tun = namespace.run(() => openTun({ ...OPTIONS, offload: true, name: "given0" }));
    expect(tun.offloads).toContain("checksum");
    expect(readlinkSync(`/proc/self/fd/${tun.fd}`)).toBe("/dev/net/tun");
    const { fd } = tun;
    expect(tun.release()).toBe(fd);
    expect(tun.fd).toBe(-1);
    expect(() => tun.release()).toThrow("expected open, found closed");
    expect(ip("link").map(({ ifname }) => ifname)).toEqual(["lo", "given0"]);
    const taken = namespace.run(() => fromDescriptor(fd, { ownership: "owned" }));
    expect(taken.name).toBe("given0");
    taken.close();
    expect(ip("link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });

  test("a device without a descriptor says so", () => {
    const [end] = MemoryDevice.pair();
    const tun = new Tun(end as unknown as SystemDevice);
    expect(tun.offloads).toEqual([]);
    expect(() => tun.fd).toThrow('expected one with a descriptor, found driver "memory"');
    expect(() => tun.release()).toThrow('expected one with a descriptor to give away, found driver "memory"');
    end.close();
  });

  test("leaves nothing behind when the options are refused", () => {
    expect(() => namespace.run(() => openTun({ addresses: ["nowhere"] }))).toThrow('found "nowhere"');
    expect(ip("link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });
});

describe("driverOf()", () => {
  test.each(["sunos", "aix"])("says E_UNSUPPORTED and names the platform: %s", (platform) => {
    expect(() => driverOf(platform)).toThrow(`found ${platform}`);
  });
});

describe("Interface", () => {
  test("changes the live device, and iproute2 sees it", () => {
    using tun = namespace.run(() => openTun(OPTIONS));
    tun.interface.set({ mtuBytes: 1380, txQueueLength: 99 });
    tun.interface.addAddress("2001:db8::1/64");
    tun.interface.removeAddress("192.0.2.1/24");
    const [link] = ip("addr", "show", "dev", tun.name);
    expect(link).toMatchObject({ mtu: 1380, txqlen: 99, addr_info: [{ local: "2001:db8::1", prefixlen: 64 }] });
    expect(tun.interface.addresses().map(({ address }) => address)).toEqual(["2001:db8::1/64"]);
    expect(tun.interface.info()).toMatchObject({ name: tun.name, index: tun.index, kind: "tun", up: true });
  });

  test("open() finds any interface, interfaces() lists them, a missing one is E_DEVICE_GONE", () => {
    using lo = namespace.run(() => Interface.open("lo"));
    expect(lo.index).toBe(1);
    expect(namespace.run(interfaces).map(({ name }) => name)).toEqual(["lo"]);
    expect(() => Interface.open("none0")).toThrow("interface none0: expected one, found none");
  });
});

describe("routes and rules", () => {
  test("are added, listed, replaced and removed; the routes of a device go with it", () => {
    const tun = namespace.run(() => openTun(OPTIONS));
    namespace.run(() => {
      routes.add({ family: 4, index: tun.index, table: 4000 });
      routes.add({ destination: "203.0.113.0/24", gateway: "192.0.2.2", table: 4000 });
      routes.replace({ destination: "203.0.113.0/24", gateway: "192.0.2.3", table: 4000 });
      rules.add({ family: 4, priority: 9000, mark: 0x8000, mask: 0x8000, table: 4000 });
      expect(rules.list(4).map(({ priority }) => priority)).toContain(9000);
    });
    const table = ip("route", "show", "table", "4000");
    expect(table).toMatchObject([
      { dst: "default", dev: tun.name },
      { dst: "203.0.113.0/24", gateway: "192.0.2.3" },
    ]);
    namespace.run(() => {
      routes.remove({ destination: "203.0.113.0/24", table: 4000 });
      expect(routes.list({ table: 4000 }).map(({ destination }) => destination)).toEqual(["default"]);
      tun.close();
      expect(routes.list({ table: 4000 })).toEqual([]);
      rules.remove({ family: 4, priority: 9000, table: 4000 });
    });
  });

  test("watchNetwork() tells of a device that comes and goes", async () => {
    using events = namespace.run(watchNetwork);
    const tun = namespace.run(() => openTun({ name: "seen0" }));
    tun.close();
    for await (const event of events) {
      if (event.type === "link" && event.change === "removed" && event.link.name === "seen0") break;
    }
    expect(namespace.run(interfaces).map(({ name }) => name)).toEqual(["lo"]);
  });
});
