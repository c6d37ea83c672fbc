// needs root
// Written packets by the kernel's batch path, where it merges those of one flow (IFF_NAPI).
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { PacketList } from "@bunnel/device";
import { NetworkNamespace } from "../../src/index.ts";
import { captured, quietDevice, sysFile } from "./witness.ts";
import { ipPacket } from "./packets.ts";

const IFF_NAPI = 0x0010;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

test("napi is what the system shows, and every packet arrives", async () => {
  using plain = quietDevice(namespace);
  using device = quietDevice(namespace, { napi: true, multiQueue: true });
  expect(Number(sysFile(namespace, plain.name, "tun_flags")) & IFF_NAPI).toBe(0);
  expect(Number(sysFile(namespace, device.name, "tun_flags")) & IFF_NAPI).toBe(IFF_NAPI);
  const memory = new Uint8Array(8 * 2048);
  const list: PacketList = {
    at: Uint32Array.from({ length: 8 }, (_, i) => i * 2048 + 128),
    lengths: new Uint16Array(8).fill(100),
  };
  for (const [i, at] of list.at.entries()) memory.set(ipPacket("192.0.2.7", "203.0.113.9", 100, 40000 + i), at);
  device.attach(memory.buffer);
  const lines = await captured(namespace, device.name, 8, () => expect(device.write(list, 0, 8)).toBe(8));
  expect(lines).toEqual(
    Array.from({ length: 8 }, (_, i) => `IP 192.0.2.7.${40000 + i} > 203.0.113.9.9: UDP, length 72`),
  );
});
