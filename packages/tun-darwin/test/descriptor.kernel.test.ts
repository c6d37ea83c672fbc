// needs root: the fake kernel makes network interfaces
// A utun from somebody else, as a network extension of macOS or iOS is given one.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { failureOf, PacketSocket, type Kernel } from "@bunnel/bsd/proof";
import { conformancePacket } from "@bunnel/device/conformance";
import { findUtun, openDarwinCalls, openDarwinDescriptor, openDarwinTun } from "../src/index.ts";
import { darwinKernel, onKernel } from "./darwin-kernel.ts";

let kernel: Kernel;
beforeAll(() => {
  kernel = darwinKernel();
});
afterAll(() => kernel[Symbol.dispose]());

describe("openDarwinDescriptor()", () => {
  test("reads and writes without the family, names the interface, and leaves it open when it is borrowed", () => {
    using owner = openDarwinTun({ name: "utun5" }, onKernel(kernel));
    using other = kernel.namespace.run(() => new PacketSocket("utun5"));
    const device = openDarwinDescriptor(owner.fd, { ownership: "borrowed" }, onKernel(kernel));
    expect([device.name, device.index]).toEqual(["utun5", owner.index]);
    expect(device.writev([conformancePacket(60, 1)])).toBe(true);
    expect(other.receive()).toEqual(conformancePacket(60, 1));
    other.send(conformancePacket(61, 2));
    device.wait(1000);
    const packet = new Uint8Array(2048);
    expect(device.readv([packet])).toBe(61);
    expect(packet.slice(0, 61)).toEqual(conformancePacket(61, 2));
    device.close();
    expect(owner.wait(0)).toBe(0);
    expect(kernel.held().interfaces).toBe(1);
  });

  test("gives a borrowed descriptor its blocking mode back", () => {
    using owner = openDarwinTun({}, onKernel(kernel));
    const calls = openDarwinCalls(onKernel(kernel));
    calls.setNonBlocking(owner.fd, false);
    openDarwinDescriptor(owner.fd, { ownership: "borrowed" }, onKernel(kernel)).close();
    expect(calls.isNonBlocking(owner.fd)).toBe(false);
  });

  test("refuses what is no descriptor, and headers that macOS does not have", () => {
    const open = (fd: number, options: object) =>
      failureOf(() => openDarwinDescriptor(fd, { ownership: "owned", ...options }, onKernel(kernel)));
    expect(open(999, {})).toMatchObject({ code: "E_DEVICE_OPTION", errno: 9 });
    expect(open(0, { vnetHeader: true })).toMatchObject({ code: "E_DEVICE_OPTION" });
    expect(open(0, { medium: "ethernet" })).toMatchObject({ code: "E_DEVICE_OPTION" });
  });
});

describe("findUtun()", () => {
  test("finds the utun that this process has without knowing its number, and nothing where there is none", () => {
    const calls = openDarwinCalls(onKernel(kernel));
    expect(findUtun(calls)).toBeUndefined();
    using device = openDarwinTun({ name: "utun9" }, onKernel(kernel));
    expect(findUtun(calls)).toEqual({ fd: device.fd, name: "utun9" });
  });
});
