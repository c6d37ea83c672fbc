// needs root: the fake kernel makes network interfaces
// Defects that other libraries for the BSDs have or had, each with a test that would catch it here.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PacketSocket } from "@bunnel/bsd/proof";
import { openBsdTun } from "../src/index.ts";
import { BSD_NAMES, bsdKernel, onKernel, systemOf } from "./bsd-kernel.ts";

/** AF_INET6 of each system. */
const FAMILIES = { freebsd: 28, openbsd: 24, netbsd: 24, dragonfly: 28 } as const;
/** sizeof(struct ifreq) of each system. */
const REQUEST_BYTES = { freebsd: 32, openbsd: 32, netbsd: 144, dragonfly: 32 } as const;

describe.each(BSD_NAMES)("%s", (name) => {
  test("the family before IPv6 packets is the system's own, not Linux's 10", () => {
    expect(systemOf(name).AF_INET6).toBe(FAMILIES[name]);
    using kernel = bsdKernel(name);
    using device = openBsdTun({}, onKernel(kernel, name));
    using other = kernel.namespace.run(() => new PacketSocket(device.name));
    const packet = new Uint8Array(40);
    packet.set([0x60, 0, 0, 0, 0, 0, 59, 64, 0x20, 1, 0xd, 0xb8]);
    expect(device.writev([packet])).toBe(true);
    expect(device.refused).toBe(0);
    expect(other.receive()).toEqual(packet);
  });

  test("requests for the MTU carry the size of this system's ifreq", () => {
    const { SIOCGIFMTU, SIOCSIFMTU } = systemOf(name).requests;
    for (const request of [SIOCGIFMTU, SIOCSIFMTU]) expect((request >>> 16) & 0x1fff).toBe(REQUEST_BYTES[name]);
  });

  test("the family is asked for before the first packet is read, or always there", () => {
    using kernel = bsdKernel(name);
    using device = openBsdTun({ addresses: ["2001:db8::1/64"] }, onKernel(kernel, name));
    const { TUNSIFHEAD } = systemOf(name);
    const asked = kernel.log().filter((line) => TUNSIFHEAD && line.startsWith(`ioctl 0x${TUNSIFHEAD.toString(16)} `));
    expect(asked.length).toBe(name === "openbsd" ? 0 : 1);
    expect(device.readv([new Uint8Array(2048)])).toBe(-1);
  });
});

describe("freebsd", () => {
  test("the flag against a search for duplicates is 0x20; 0x100, another flag, would be refused", () => {
    using kernel = bsdKernel("freebsd");
    using device = openBsdTun({ addresses: ["2001:db8::1/64"] }, onKernel(kernel, "freebsd"));
    const line = kernel.log().find((each) => each.startsWith("ioctl 0x8088691b"));
    expect(line?.slice("ioctl 0x8088691b ".length).slice(100 * 2, 104 * 2)).toBe("20000000");
    expect(device.name).toBe("tun0");
  });

  test("flags of neighbour discovery are asked for before they are set", () => {
    using kernel = bsdKernel("freebsd");
    using device = openBsdTun({ ipv6LinkLocal: "none" }, onKernel(kernel, "freebsd"));
    const log = kernel.log().filter((line) => /^ioctl 0xc048696[cd]/.test(line));
    expect(log.map((line) => line.slice(0, 16))).toEqual(["ioctl 0xc048696c", "ioctl 0xc048696d"]);
    expect(device.index).toBeGreaterThan(0);
  });

  test("TUNSTRANSIENT is 0x80047462", () => {
    expect(systemOf("freebsd").TUNSTRANSIENT).toBe(0x8004_7462);
  });
});

test("no program is started", () => {
  for (const folder of ["../src", "../../bsd/src"].map((path) => join(import.meta.dirname, path))) {
    for (const file of readdirSync(folder)) {
      expect(readFileSync(join(folder, file), "utf8")).not.toMatch(/child_process|Bun\.spawn|Bun\.\$/);
    }
  }
});
