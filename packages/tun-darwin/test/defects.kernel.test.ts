// needs root: the fake kernel makes network interfaces
// Defects that other libraries for macOS have or had, each with a test that would catch it here.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PacketSocket, type Kernel } from "@bunnel/bsd/proof";
import { conformanceFrame } from "@bunnel/device/conformance";
import { openDarwinTun } from "../src/index.ts";
import { darwinKernel, onKernel } from "./darwin-kernel.ts";

let kernel: Kernel;
beforeAll(() => {
  kernel = darwinKernel();
});
afterAll(() => kernel[Symbol.dispose]());

test("the family before IPv6 packets is 30, not Linux's 10", () => {
  using device = openDarwinTun({}, onKernel(kernel));
  using other = kernel.namespace.run(() => new PacketSocket(device.name));
  const packet = new Uint8Array(40);
  packet.set([0x60, 0, 0, 0, 0, 0, 59, 64, 0x20, 1, 0xd, 0xb8]);
  // The kernel refuses a family that is not the packet's.
  expect(device.writev([packet])).toBe(true);
  expect(device.refused).toBe(0);
  expect(other.receive()).toEqual(packet);
});

test("frames of a feth come from the packet filter, all records of one read", () => {
  using device = openDarwinTun({ medium: "ethernet" }, onKernel(kernel));
  using other = kernel.namespace.run(() => new PacketSocket(device.name));
  for (let i = 0; i < 3; i++) other.send(conformanceFrame(60 + i, i));
  device.wait(1000);
  const room = new Uint8Array(2048);
  const seen: number[] = [];
  for (let tries = 0; tries < 100 && seen.length < 3; tries++) {
    const bytes = device.readv([room]);
    if (bytes >= 0) seen.push(bytes);
    else device.wait(100);
  }
  expect(seen).toEqual([74, 75, 76]);
});

test("a packet filter is told to hide our own frames by the request that sets, not the one that asks", () => {
  kernel.log();
  using device = openDarwinTun({ medium: "ethernet" }, onKernel(kernel));
  const log = kernel.log();
  expect(log.some((line) => line.startsWith("ioctl 0x80044277 00000000 = 0"))).toBe(true);
  expect(log.some((line) => line.startsWith("ioctl 0x40044276"))).toBe(false);
  expect(device.name).toBe("feth0");
});

test("an address other than of /32 and /64 is removed whole", async () => {
  const { BsdNetwork } = await import("@bunnel/bsd");
  const { openDarwinCalls } = await import("../src/index.ts");
  using device = openDarwinTun({ addresses: ["192.0.2.1/24", "2001:db8::1/56"] }, onKernel(kernel));
  using network = new BsdNetwork(openDarwinCalls(onKernel(kernel)));
  const link = { name: device.name, index: device.index, pointToPoint: true };
  network.removeAddress(link, "192.0.2.1/24");
  network.removeAddress(link, "2001:db8::1/56");
  expect(kernel.namespace.ip(`addr show dev ${device.name}`)[0]?.["addr_info"]).toEqual([]);
});

test("no program is started, and no private request asks for the hardware address", () => {
  const folder = join(import.meta.dirname, "../src");
  for (const file of readdirSync(folder)) {
    expect(readFileSync(join(folder, file), "utf8")).not.toMatch(/child_process|Bun\.spawn|Bun\.\$|SIOCGIFLLADDR/);
  }
  kernel.log();
  using device = openDarwinTun({ medium: "ethernet" }, onKernel(kernel));
  expect(device.state().mac).toMatch(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
  // SIOCGIFLLADDR of xnu's private headers: _IOWR('i', 158, struct ifreq)
  expect(kernel.log().some((line) => line.startsWith("ioctl 0xc020699e"))).toBe(false);
});
