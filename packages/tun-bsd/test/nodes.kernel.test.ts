// needs root: the fake kernel makes network interfaces
// How each BSD makes a device: its nodes, its calls, what stays and what does not, and every refusal.
import { describe, expect, test } from "bun:test";
import { constantOf, failureOf, PacketSocket, vectorOf, type Kernel } from "@bunnel/bsd/proof";
import type { DeviceOptions } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { openBsdDescriptor, openBsdTun } from "../src/index.ts";
import { BSD_NAMES, bsdKernel, bsdTable, onKernel, systemOf, type BsdName } from "./bsd-kernel.ts";

const NOTHING = { descriptors: 0, interfaces: 0, routes: 0 };
const opener = (kernel: Kernel, name: BsdName) => (options: DeviceOptions) =>
  openBsdTun(options, onKernel(kernel, name));

/** The request's code as the log has it. */
function requestOf(name: BsdName, request: string): string {
  return `ioctl 0x${constantOf(bsdTable(name), request).toString(16)} `;
}

describe.each(BSD_NAMES)("%s", (name) => {
  test("a device by name and the next free one; both addresses set; nothing left", () => {
    using kernel = bsdKernel(name);
    const open = opener(kernel, name);
    {
      using first = open({ name: "tun3", addresses: ["192.0.2.1/24", "2001:db8::1/64"], mtuBytes: 1400 });
      using second = open({});
      expect([first.name, second.name]).toEqual(["tun3", "tun0"]);
      const [link] = kernel.namespace.ip("addr show dev tun3");
      expect(link).toMatchObject({
        mtu: 1400,
        addr_info: [{ local: "192.0.2.1" }, { local: "2001:db8::1", prefixlen: 64 }],
      });
      expect(kernel.namespace.ip("route show dev tun3")).toMatchObject([{ dst: "192.0.2.0/24" }]);
      expect(failureOf(() => open({ name: "tun3" }))).toMatchObject({ code: "E_DEVICE_BUSY", errno: 16 });
    }
    expect(kernel.held()).toEqual(NOTHING);
    expect(kernel.namespace.ip("link").map(({ ifname }) => ifname)).toEqual(["lo"]);
  });

  test("IPv6 passes: the family stands before packets from the first one on", () => {
    using kernel = bsdKernel(name);
    using device = opener(kernel, name)({});
    using other = kernel.namespace.run(() => new PacketSocket(device.name));
    const packet = new Uint8Array(48);
    packet.set([0x60, 0, 0, 0, 0, 8, 59, 64, 0x20, 1, 0xd, 0xb8]);
    expect(device.writev([packet])).toBe(true);
    expect(other.receive()).toEqual(packet);
    other.send(packet);
    device.wait(1000);
    expect(device.readv([new Uint8Array(2048)])).toBe(48);
    expect(device.refused).toBe(0);
    const head = systemOf(name).TUNSIFHEAD;
    const log = kernel.log();
    const asked =
      head === undefined || log.some((line) => line.startsWith(`ioctl 0x${head.toString(16)} 01000000 = 0`));
    expect(asked).toBe(true);
    expect(log.some((line) => line.startsWith(`${requestOf(name, "TUNSIFMODE")}10800000 = 0`))).toBe(true);
  });

  test("without root, without the node, with names and MTUs that cannot be", () => {
    using kernel = bsdKernel(name);
    const open = opener(kernel, name);
    const denied = failureOf(() => kernel.withoutPrivilege(() => open({})));
    expect(denied).toMatchObject({ code: "E_DEVICE_DENIED" });
    kernel.refuse("open", 0, 2, 3);
    expect(failureOf(() => open({ name: "tun1" }))).toMatchObject({ code: "E_DEVICE_MISSING", errno: 2 });
    kernel.relent();
    expect(failureOf(() => open({ mtuBytes: 100 }))).toMatchObject({ code: "E_DEVICE_OPTION" });
    expect(failureOf(() => open({ mtuBytes: 1000, addresses: ["::1/128"] }))).toMatchObject({
      code: "E_DEVICE_OPTION",
    });
    expect(failureOf(() => open({ multiQueue: true }))).toMatchObject({ code: "E_UNSUPPORTED" });
    expect(failureOf(() => open({ name: "tun%x" }))).toMatchObject({ code: "E_DEVICE_OPTION" });
  });

  test("half-way, whatever call fails, and nothing stays", () => {
    using kernel = bsdKernel(name);
    const { requests, TUNSIFHEAD, TUNSIFMODE } = systemOf(name);
    const { SIOCSIFMTU, SIOCAIFADDR, SIOCAIFADDR_IN6, SIOCGIFFLAGS, SIOCSIFFLAGS } = requests;
    const all = [TUNSIFHEAD, TUNSIFMODE, SIOCSIFMTU, SIOCAIFADDR, SIOCAIFADDR_IN6, SIOCGIFFLAGS, SIOCSIFFLAGS];
    for (const request of all.filter((code) => code !== undefined)) {
      kernel.refuse("ioctl", request, 12);
      const failure = failureOf(() => opener(kernel, name)({ addresses: ["192.0.2.1/24", "2001:db8::1/64"] }));
      expect(failure).toMatchObject({ code: "E_DEVICE_SYSTEM", errno: 12 });
      expect(kernel.held()).toEqual(NOTHING);
    }
  });

  test("a descriptor that somebody else opened", () => {
    using kernel = bsdKernel(name);
    using owner = opener(kernel, name)({});
    using other = kernel.namespace.run(() => new PacketSocket(owner.name));
    const device = openBsdDescriptor(owner.fd, { ownership: "borrowed", name: owner.name }, onKernel(kernel, name));
    expect([device.name, device.index]).toEqual([owner.name, owner.index]);
    expect(device.writev([conformancePacket(60, 1)])).toBe(true);
    expect(other.receive()).toEqual(conformancePacket(60, 1));
    device.close();
    expect(owner.wait(0)).toBe(0);
    const bad = failureOf(() => openBsdDescriptor(999, { ownership: "owned" }, onKernel(kernel, name)));
    expect(bad).toMatchObject({ code: "E_DEVICE_OPTION", errno: 9 });
  });
});

describe("freebsd", () => {
  test("renames an interface, and the device follows", () => {
    using kernel = bsdKernel("freebsd");
    {
      using device = opener(kernel, "freebsd")({ name: "vpn0", addresses: ["192.0.2.1/24"] });
      expect(device.name).toBe("vpn0");
      expect(kernel.namespace.ip("link").map(({ ifname }) => ifname)).toEqual(["lo", "vpn0"]);
    }
    expect(kernel.held()).toEqual(NOTHING);
  });

  test("switches link-local addresses off by asking first, and keeps the other flags", () => {
    using kernel = bsdKernel("freebsd");
    using device = opener(kernel, "freebsd")({ ipv6LinkLocal: "none" });
    const log = kernel.log();
    const got = log.findIndex((line) => line.startsWith("ioctl 0xc048696c"));
    const set = log.findIndex((line) => line.startsWith("ioctl 0xc048696d"));
    expect(got).toBeGreaterThan(-1);
    expect(set).toBeGreaterThan(got);
    // 0x21 was there: performing NUD stays, making link-local addresses goes, no search for duplicates comes.
    expect(log[set]?.slice("ioctl 0xc048696d ".length).slice(36 * 2, 40 * 2)).toBe("01010000");
    expect(device.name).toBe("tun0");
  });

  test("sends the alias requests of 68 and 136 octets as its headers have them", () => {
    using kernel = bsdKernel("freebsd");
    using device = opener(kernel, "freebsd")({ name: "tun7", addresses: ["fd00:6::2/64"] });
    expect(kernel.log()).toContain(`ioctl 0x8088691b ${vectorOf(bsdTable("freebsd"), "in6_aliasreq")} = 0`);
    expect(device.name).toBe("tun7");
  });

  test("from version 15 on, an interface goes with its descriptor by itself", () => {
    using kernel = bsdKernel("freebsd", { transient: true });
    const device = opener(kernel, "freebsd")({});
    expect(kernel.log().some((line) => line.startsWith("ioctl 0x80047462 01000000 = 0"))).toBe(true);
    device.close();
    expect(kernel.held()).toEqual(NOTHING);
  });

  test("a persistent device stays, and goes when it is told to", () => {
    using kernel = bsdKernel("freebsd");
    const open = opener(kernel, "freebsd");
    open({ name: "tun2", persistent: true }).close();
    expect(kernel.held().interfaces).toBe(1);
    const again = open({ name: "tun2" });
    again.close();
    expect(kernel.held()).toEqual(NOTHING);
  });

  test("the hardware address of a TAP device is set and told", () => {
    using kernel = bsdKernel("freebsd");
    using device = opener(kernel, "freebsd")({ medium: "ethernet", mac: "02:00:00:00:00:07" });
    expect(device.state()).toMatchObject({ mac: "02:00:00:00:00:07" });
    device.set({ mac: "02:00:00:00:00:08" });
    expect(kernel.namespace.ip(`link show dev ${device.name}`)).toMatchObject([{ address: "02:00:00:00:00:08" }]);
  });
});

describe("netbsd", () => {
  test("cannot change hardware addresses, and says so", () => {
    using kernel = bsdKernel("netbsd");
    const failure = failureOf(() => opener(kernel, "netbsd")({ medium: "ethernet", mac: "02:00:00:00:00:07" }));
    expect(failure).toMatchObject({ code: "E_UNSUPPORTED" });
    expect(failure.message).toContain("netbsd");
  });
});
