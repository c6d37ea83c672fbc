import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Wake, type PacketList } from "@bunnel/device";
import { conformance, conformancePacket } from "@bunnel/device/conformance";
import { PacketSocket } from "../test/sys.ts";
import { ip, runInside } from "../test/witness.ts";
import { openTransferred, type LinuxTun } from "./device.ts";
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

for (const offload of [false, true]) {
  conformance(offload ? "LinuxTun with offload" : "LinuxTun", {
    open() {
      const device = quietTun(offload);
      const socket = namespace.run(() => new PacketSocket(device.index));
      return {
        device,
        send: (packet) => socket.send(packet),
        receive: () => socket.receive(),
        close: () => {
          socket[Symbol.dispose]();
          device.close();
        },
      };
    },
    transferred: { module: new URL("./device.ts", import.meta.url).href, opener: "openTransferred" },
    cannot: { fullQueue: "the kernel takes every packet that is written to a TUN interface" },
  });
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
    expect(link).toMatchObject({ ifindex: device.index, mtu: 1380, txqlen: 123, inet6_addr_gen_mode: "none" });
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
    const sys = (file: string) => runInside(namespace, "cat", `/proc/self/net/dev`).includes(file);
    expect(sys("bunnel0")).toBe(true);
  });

  test("leaves it down when asked to", () => {
    using device = namespace.run(() => openLinuxTun({ up: false }));
    expect(ip(namespace, "link", "show", device.name)[0]?.["flags"]).not.toContain("UP");
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
    [{ mtuBytes: 1279, addresses: ["2001:db8::1/64"] }, "expected at least 1280, found 1279"],
    [{ txQueueLength: -1 }, "txQueueLength: expected 0 to 2147483647, found -1"],
    [{ addresses: ["192.0.2.256/24"] }, 'expected IPv4 or IPv6, found "192.0.2.256"'],
    [{ addresses: ["192.0.2.1/33"] }, 'expected 0 to 32, found "33"'],
  ])("refuses %j", (options, message) => {
    expect(() => namespace.run(() => openLinuxTun(options))).toThrow(message);
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });

  test("closes everything again when a later step fails", () => {
    const before = openDescriptors();
    const options = { name: "half0", addresses: ["192.0.2.1/24", "192.0.2.1/24"] };
    expect(namespace.run(() => codeOf(() => openLinuxTun(options)))).toBe("E_DEVICE_BUSY");
    expect(ip(namespace, "link").map(({ ifname }) => ifname)).toEqual(["lo"]);
    expect(openDescriptors()).toBe(before);
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
  return new Bun.Glob("*").scanSync({ cwd: "/proc/self/fd", onlyFiles: false }).toArray().length;
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
