// needs root
import { heapSize } from "bun:jsc";
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Wake, type PacketList } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { PacketSocket, sendSegmented } from "../test/sys.ts";
import { ip, runInside } from "../test/witness.ts";
import { openTransferred } from "./hand-over.ts";
import type { LinuxTun } from "./device.ts";
import { NetworkNamespace } from "./namespace.ts";
import { RouteNetlink } from "./netcfg/index.ts";
import { openLinuxTun, openTunQueue } from "./open.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

/** A device without any address, so that the kernel itself sends nothing through it. */
function quietTun(offload: boolean): LinuxTun {
  return namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none", offload }));
}

describe("LinuxTun", () => {
  test("read() and wait() tell that the interface was deleted", () => {
    using device = quietTun(false);
    device.attach(new ArrayBuffer(4096));
    const list: PacketList = { at: Uint32Array.of(128), lengths: Uint16Array.of(60) };
    runInside(namespace, "ip", "link", "del", device.name);
    expect(device.wait(-1)).toBe(Wake.Closed);
    expect(() => device.read(list, 0, 1500)).toThrow("expected an interface, found it deleted");
    expect(() => device.write(list, 0, 1)).toThrow("expected an interface, found it deleted");
  });

  test("a packet written while the interface is down is refused, and the device goes on", () => {
    using device = quietTun(false);
    const memory = new Uint8Array(4096);
    const list: PacketList = { at: Uint32Array.of(128), lengths: Uint16Array.of(60) };
    memory.set(conformancePacket(60, 1), 128);
    device.attach(memory.buffer);
    runInside(namespace, "ip", "link", "set", device.name, "down");
    expect(device.write(list, 0, 1)).toBe(1);
    expect(device.refused).toBe(1);
    runInside(namespace, "ip", "link", "set", device.name, "up");
    expect(device.write(list, 0, 1)).toBe(1);
    expect(device.refused).toBe(1);
  });

  test("answers a ping of the system", async () => {
    using device = namespace.run(() => openLinuxTun({ addresses: ["192.0.2.1/24"], ipv6LinkLocal: "none" }));
    const memory = new Uint8Array(4096);
    const list: PacketList = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
    device.attach(memory.buffer);
    const ping = namespace.run(() => Bun.spawn(["ping", "-c", "2", "-i", "0.01", "-W", "5", "192.0.2.99"]));
    for (let answered = 0; answered < 2;) {
      expect(device.wait(5000)).toBe(Wake.Readable);
      while (device.read(list, 0, 2048) === 1) {
        if (memory[128 + 9] !== 1 || memory[128 + 20] !== 8) continue;
        turnEcho(memory.subarray(128));
        expect(device.write(list, 0, 1)).toBe(1);
        answered++;
      }
    }
    expect(await ping.exited).toBe(0);
  });

  test("whenReadable() resolves with a packet, and with close()", async () => {
    const device = quietTun(false);
    using socket = namespace.run(() => new PacketSocket(device.index));
    device.attach(new ArrayBuffer(4096));
    const list: PacketList = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
    for (let i = 0; i < 20; i++) {
      const readable = device.whenReadable();
      socket.send(conformancePacket(60, i));
      await readable;
      expect(device.read(list, 0, 1500)).toBe(1);
    }
    const readable = device.whenReadable();
    device.close();
    await readable;
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });

  test("read() and write() allocate nothing: the heap grows by less than an octet per packet", () => {
    const packets = 16_384;
    using device = namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none", txQueueLength: packets }));
    using socket = namespace.run(() => new PacketSocket(device.index));
    const at = Uint32Array.from({ length: 64 }, (_, i) => i * 2048 + 128);
    const list: PacketList = { at, lengths: new Uint16Array(64) };
    device.attach(new SharedArrayBuffer(64 * 2048));
    const forward = () => {
      let moved = 0;
      for (let count = 1; count > 0; moved += count) {
        count = device.read(list, 0, 1500);
        device.write(list, 0, count);
      }
      return moved;
    };
    const growths: number[] = [];
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < packets; i++) socket.send(conformancePacket(60, 1));
      const before = heapSize();
      expect(forward()).toBe(packets);
      // The first rounds compile the loop.
      if (round >= 2) growths.push(heapSize() - before);
    }
    expect(Math.max(...growths)).toBeLessThan(packets);
  });

  test("close() of a device that was handed over closes nothing, close() of the first one ends the interface", () => {
    const device = quietTun(false);
    const borrowed = openTransferred(structuredClone(device.handOver()));
    expect([borrowed.name, borrowed.index]).toEqual([device.name, device.index]);
    borrowed.close();
    expect(ip(namespace, "link", "show", device.name)).toHaveLength(1);
    device.close();
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });
});

describe("openLinuxTun()", () => {
  test("sets everything that it was asked for, and iproute2 sees it", () => {
    using device = namespace.run(() =>
      openLinuxTun({
        name: "bunnel%d",
        mtuBytes: 1380,
        addresses: ["10.0.85.1/24", "2001:db8::1/64"],
        txQueueLength: 123,
        ipv6LinkLocal: "none",
      }),
    );
    expect(device.name).toBe("bunnel0");
    const [link] = ip(namespace, "-d", "addr", "show", "dev", device.name);
    expect(link).toMatchObject({ ifindex: device.index, mtu: 1380, txqlen: 123 });
    expect(link?.["flags"]).toContain("UP");
    expect(link?.["linkinfo"]).toMatchObject({
      info_kind: "tun",
      info_data: { type: "tun", pi: false, persist: false },
    });
    const addresses = link?.["addr_info"] as { readonly local: string; readonly prefixlen: number }[];
    expect(addresses.map(({ local, prefixlen }) => `${local}/${prefixlen}`)).toEqual([
      "10.0.85.1/24",
      "2001:db8::1/64",
    ]);
    expect(ip(namespace, "-d", "link", "show", device.name)[0]?.["inet6_addr_gen_mode"]).toBe("none");
    expect(runInside(namespace, "cat", "/proc/net/dev")).toContain("bunnel0:");
  });

  test("leaves it down when asked to", () => {
    using device = namespace.run(() => openLinuxTun({ up: false }));
    expect(ip(namespace, "link", "show", device.name)[0]?.["flags"]).not.toContain("UP");
  });

  test.each([
    [true, 1],
    [false, 5],
  ])("with offload %p, datagrams that the system cuts late come up as %d packets", (offload, packets) => {
    const options = { addresses: ["192.0.2.1/24"], ipv6LinkLocal: "none", offload } as const;
    using device = namespace.run(() => openLinuxTun(options));
    using socket = namespace.run(() => new PacketSocket(device.index));
    const memory = new Uint8Array(8 * 8192);
    const list: PacketList = {
      at: Uint32Array.from({ length: 8 }, (_, i) => i * 8192 + 128),
      lengths: new Uint16Array(8),
    };
    device.attach(memory.buffer);
    const payload = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
    namespace.run(() => sendSegmented(payload, 1000, [192, 0, 2, 9], 9));
    expect(device.wait(1000)).toBe(Wake.Readable);
    expect(device.read(list, 0, 8000)).toBe(packets);
    expect([...list.lengths.subarray(0, packets)]).toEqual(Array<number>(packets).fill(28 + 5000 / packets));
    expect(memory.slice(128 + 28, 128 + 28 + 5000 / packets)).toEqual(payload.slice(0, 5000 / packets));
    if (!offload) return;
    // virtio_net_hdr: NEEDS_CSUM, GSO_UDP_L4, gso_size 1000, csum_start 20, csum_offset 6.
    const header = new DataView(memory.buffer, 118, 10);
    expect([header.getUint8(0), header.getUint8(1)]).toEqual([1, 5]);
    expect([4, 6, 8].map((at) => header.getUint16(at, true))).toEqual([1000, 20, 6]);
    // Written back with its header it arrives whole on the other side.
    expect(device.write(list, 0, 1)).toBe(1);
    expect(device.refused).toBe(0);
    expect(socket.receive()).toEqual(memory.slice(128, 128 + 5028));
  });

  test("asks for every offload, and says which it got", () => {
    using device = namespace.run(() => openLinuxTun({ offload: true }));
    expect(device.capabilities.vnetHeader).toBe(true);
    expect(device.offloads).toEqual(["checksum", "tcp4", "tcp6", "udp"]);
    const [link] = ip(namespace, "-d", "link", "show", device.name);
    expect(link?.["linkinfo"]).toMatchObject({ info_data: { vnet_hdr: true } });
  });

  test("names and errors: taken, impossible, too long", () => {
    using device = namespace.run(() => openLinuxTun({ name: "taken0" }));
    const code = (name: string) => namespace.run(() => codeOf(() => openLinuxTun({ name })));
    expect(code(device.name)).toBe("E_DEVICE_BUSY");
    expect(code("lo")).toBe("E_DEVICE_BUSY");
    expect(code("a/b")).toBe("E_DEVICE_OPTION");
    expect(code("sixteen-octets-x")).toBe("E_DEVICE_OPTION");
    expect(code("%d%d")).toBe("E_DEVICE_OPTION");
  });

  test.each([
    [{ mtuBytes: 67 }, "mtuBytes: expected 68 to 65535, found 67"],
    [{ mtuBytes: 1279, addresses: ["2001:db8::1/64"] }, "expected 1280 to 65535, found 1279"],
    [{ txQueueLength: -1 }, "txQueueLength: expected 0 to 2147483647, found -1"],
    [{ addresses: ["192.0.2.256/24"] }, 'expected IPv4 or IPv6, found "192.0.2.256"'],
    [{ addresses: ["192.0.2.1/33"] }, 'expected 0 to 32, found "33"'],
  ])("refuses %j", (options, message) => {
    expect(() => namespace.run(() => openLinuxTun(options))).toThrow(message);
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });

  test("closes everything again when a later step fails, however often", () => {
    const before = openDescriptors();
    const options = { name: "half0", addresses: ["192.0.2.1/24", "192.0.2.1/24"] };
    const tries = 30;
    for (let i = 0; i < tries; i++) {
      expect(namespace.run(() => codeOf(() => openLinuxTun(options)))).toBe("E_DEVICE_BUSY");
    }
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
    // The runtime has descriptors of its own, which come and go; one lost each time would be more.
    expect(openDescriptors() - before).toBeLessThan(tries);
  });

  test("without the tun driver it says E_DEVICE_MISSING, and what to do", () => {
    const program = `import { openLinuxTun } from "${new URL("./index.ts", import.meta.url).pathname}";
      try { openLinuxTun(); } catch (error) { console.log(error.code, error.message); }`;
    const hidden = ["unshare", "--mount", "--net", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "sh"];
    const { stdout } = Bun.spawnSync([...hidden, process.execPath, "-e", program]);
    expect(stdout.toString()).toStartWith("E_DEVICE_MISSING /dev/net/tun: expected the kernel's tun driver");
    expect(stdout.toString()).toContain("modprobe tun");
  });

  test("without CAP_NET_ADMIN it says E_DEVICE_DENIED", () => {
    const program = `import { openLinuxTun } from "${new URL("./index.ts", import.meta.url).pathname}";
      try { openLinuxTun(); console.log("opened"); } catch (error) { console.log(error.code); }`;
    const uid = [
      "--reuid",
      "65534",
      "--regid",
      "65534",
      "--clear-groups",
      "--bounding-set",
      "-all",
      "--inh-caps",
      "-all",
    ];
    const { stdout } = Bun.spawnSync(["setpriv", ...uid, process.execPath, "-e", program], { env: { HOME: "/tmp" } });
    expect(stdout.toString().trim()).toBe("E_DEVICE_DENIED");
  });

  test("takes over a persistent interface that nobody has open, and leaves what is set right as it is", () => {
    runInside(namespace, "ip", "tuntap", "add", "dev", "kept0", "mode", "tun");
    runInside(namespace, "ip", "addr", "add", "2001:db8:0::9/64", "dev", "kept0", "nodad");
    const device = namespace.run(() => openLinuxTun({ name: "kept0", addresses: ["2001:db8:0:0::9/64"] }));
    device.close();
    expect(ip(namespace, "link", "show", "kept0")).toHaveLength(1);
    runInside(namespace, "ip", "link", "del", "kept0");
  });
});

describe("openTunQueue()", () => {
  test("gives a second queue of the same interface, which lives until the last is closed", () => {
    const first = namespace.run(() => openLinuxTun({ multiQueue: true, ipv6LinkLocal: "none" }));
    const second = namespace.run(() => openTunQueue(first));
    expect([second.name, second.index]).toEqual([first.name, first.index]);
    const [link] = ip(namespace, "-d", "link", "show", first.name);
    expect(link?.["linkinfo"]).toMatchObject({ info_data: { multi_queue: true, numqueues: 2 } });
    first.close();
    expect(ip(namespace, "link", "show", second.name)).toHaveLength(1);
    second.close();
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });

  test("refuses a device that was opened with one queue", () => {
    using device = namespace.run(() => openLinuxTun());
    expect(codeOf(() => openTunQueue(device))).toBe("E_DEVICE_STATE");
  });
});

describe("RouteNetlink.link()", () => {
  test("counts what a device read and wrote", () => {
    using device = quietTun(false);
    using socket = namespace.run(() => new PacketSocket(device.index));
    using netlink = namespace.run(() => RouteNetlink.open());
    const memory = new Uint8Array(4096);
    const list: PacketList = { at: Uint32Array.of(128), lengths: Uint16Array.of(90) };
    memory.set(conformancePacket(90, 1), 128);
    device.attach(memory.buffer);
    socket.send(conformancePacket(60, 1));
    device.write(list, 0, 1);
    expect(device.wait(1000)).toBe(Wake.Readable);
    expect(device.read(list, 0, 2048)).toBe(1);
    expect(netlink.link(device.index)?.statistics).toMatchObject({
      receivedPackets: 1,
      receivedBytes: 90,
      sentPackets: 1,
      sentBytes: 60,
    });
  });
});

function codeOf(work: () => { close(): void }): unknown {
  try {
    work().close();
    return "opened";
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Makes an ICMP echo request its own answer: addresses change places, type 8 becomes 0 (RFC 792). */
function turnEcho(packet: Uint8Array): void {
  const source = packet.slice(12, 16);
  packet.copyWithin(12, 16, 20);
  packet.set(source, 16);
  packet[20] = 0;
  const view = new DataView(packet.buffer, packet.byteOffset);
  const sum = view.getUint16(22) + 0x0800;
  view.setUint16(22, (sum & 0xffff) + (sum >>> 16));
}
