// needs root: the fake kernel makes network interfaces
// What happens to packets beside the contract: the family before them, queues that are full, calls that are refused.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { failureOf, PacketSocket, type Kernel } from "@bunnel/bsd/proof";
import { conformancePacket } from "@bunnel/device/conformance";
import type { BsdTun } from "@bunnel/bsd";
import { openDarwinTun } from "../src/index.ts";
import { darwinKernel, onKernel } from "./darwin-kernel.ts";

let kernel: Kernel;
let device: BsdTun;
let other: PacketSocket;
const memory = new Uint8Array(1 << 18);
const list = { at: Uint32Array.from({ length: 40 }, (_, i) => i * 4096 + 128), lengths: new Uint16Array(40) };

beforeAll(() => {
  kernel = darwinKernel();
});
beforeEach(() => {
  device = openDarwinTun({}, onKernel(kernel));
  device.attach(memory.buffer);
  other = kernel.namespace.run(() => new PacketSocket(device.name));
});
afterEach(() => {
  other[Symbol.dispose]();
  device.close();
});
afterAll(() => kernel[Symbol.dispose]());

/** An IPv6 packet of no next header (59), RFC 8200. */
function ipv6Packet(bytes: number): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(bytes);
  packet.set([0x60, 0, 0, 0, 0, bytes - 40, 59, 64]);
  packet.set([0x20, 1, 0xd, 0xb8], 8);
  packet.set([0x20, 1, 0xd, 0xb8], 24);
  packet[23] = 1;
  packet[39] = 2;
  return packet;
}

function put(i: number, packet: Uint8Array): void {
  memory.set(packet, list.at[i]);
  list.lengths[i] = packet.length;
}

describe("a utun", () => {
  test("sends IPv6 behind the family 30, which the kernel checks, and reads it without", () => {
    put(0, ipv6Packet(60));
    expect(device.write(list, 0, 1)).toBe(1);
    expect(other.receive()).toEqual(ipv6Packet(60));
    other.send(ipv6Packet(72));
    device.wait(1000);
    expect(device.read(list, 0, 2048)).toBe(1);
    const at = list.at[0] ?? 0;
    expect(memory.slice(at, at + 72)).toEqual(ipv6Packet(72));
    expect(device.refused).toBe(0);
  });

  test("reads more packets at once than one call fetches", () => {
    for (let i = 0; i < 40; i++) other.send(conformancePacket(60 + i, i));
    device.wait(1000);
    let read = 0;
    while (read < 40 && device.wait(1000) === 1) read += device.read(list, read, 2048);
    expect([...list.lengths]).toEqual(Array.from({ length: 40 }, (_, i) => 60 + i));
  });

  test("goes on packet by packet when recvmsg_x is refused", () => {
    kernel.refuse("recvmsg_x", 0, 78);
    other.send(conformancePacket(60, 1));
    device.wait(1000);
    expect(device.read(list, 0, 2048)).toBe(1);
    kernel.refuse("recvmsg_x", 0, 78, 1000);
    other.send(conformancePacket(61, 2));
    device.wait(1000);
    expect(device.read(list, 0, 2048)).toBe(1);
    expect(list.lengths[0]).toBe(61);
    kernel.relent();
  });

  test.each([
    ["EAGAIN", 35],
    ["ENOBUFS", 55],
    ["ENOSPC", 28],
    ["ENOMEM", 12],
  ])("takes %s for a full queue: nothing is lost, and whenWritable waits for room", async (_, errno) => {
    put(0, conformancePacket(60, 1));
    kernel.refuse("write", 0, errno);
    expect(device.write(list, 0, 1)).toBe(0);
    expect(device.refused).toBe(0);
    await device.whenWritable();
    expect(device.write(list, 0, 1)).toBe(1);
    expect(other.receive()).toEqual(conformancePacket(60, 1));
  });

  test.each([
    ["a family that the kernel does not want", 47],
    ["a packet that is too long", 40],
  ])("counts %s as refused, and goes on", (_, errno) => {
    put(0, conformancePacket(60, 1));
    put(1, conformancePacket(61, 2));
    kernel.refuse("write", 0, errno);
    expect(device.write(list, 0, 2)).toBe(2);
    expect(device.refused).toBe(1);
    expect(other.receive()).toEqual(conformancePacket(61, 2));
  });

  test("says E_DEVICE_GONE when the interface has gone, for reading and for writing", () => {
    put(0, conformancePacket(60, 1));
    for (const call of ["recvmsg_x", "write"]) {
      kernel.refuse(call, 0, 6);
      const work = () => (call === "write" ? device.write(list, 0, 1) : device.read(list, 0, 2048));
      expect(failureOf(work)).toMatchObject({ code: "E_DEVICE_GONE", errno: 6 });
    }
  });

  test("is read again when a signal interrupts", () => {
    other.send(conformancePacket(60, 1));
    device.wait(1000);
    kernel.refuse("recvmsg_x", 0, 4, 3);
    expect(device.read(list, 0, 2048)).toBe(1);
  });

  test("vanishing writes to an interface that is down are no error", () => {
    kernel.namespace.command("ip", "link", "set", device.name, "down");
    put(0, conformancePacket(60, 1));
    expect(device.write(list, 0, 1)).toBe(1);
  });
});
