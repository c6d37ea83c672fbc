import { describe, expect, test } from "bun:test";
import { conformancePacket } from "../conformance.ts";
import { MemoryDevice } from "../memory-device.ts";
import { PacketPort } from "../packets.ts";
import { PcapTap, type CaptureWriter } from "./pcap-tap.ts";

type Captured = Parameters<CaptureWriter["write"]>[0];

describe("PcapTap", () => {
  test("gives the writer what was read and what was taken, with its interface and time", () => {
    const captured: Captured[] = [];
    const inner = MemoryDevice.open({ queueBytes: 256 });
    let now = 1000n;
    using tap = new PcapTap(
      inner,
      { write: (packet) => captured.push(packet) },
      { writtenInterface: 1, now: () => now++ },
    );
    const port = new PacketPort(tap);
    inner.inject(conformancePacket(60, 1));
    expect(port.tryRead()).toEqual(conformancePacket(60, 1));
    expect(port.write(conformancePacket(200, 2))).toBe(true);
    expect(port.write(conformancePacket(200, 3))).toBe(false);
    expect(captured).toEqual([
      { octets: conformancePacket(60, 1), timestampNs: 1000n, originalBytes: 60, interfaceId: 0 },
      { octets: conformancePacket(200, 2), timestampNs: 1001n, originalBytes: 200, interfaceId: 1 },
    ]);
  });

  test("keeps no more than snapBytes of a packet, and a copy of it", () => {
    const captured: Captured[] = [];
    const inner = MemoryDevice.open();
    using tap = new PcapTap(inner, { write: (packet) => captured.push(packet) }, { snapBytes: 20 });
    const memory = new Uint8Array(4096);
    tap.attach(memory.buffer);
    inner.inject(conformancePacket(60, 1));
    tap.read({ at: Uint32Array.of(128), lengths: new Uint16Array(1) }, 0, 1500);
    memory.fill(0);
    expect(captured).toMatchObject([{ octets: conformancePacket(60, 1).slice(0, 20), originalBytes: 60 }]);
  });

  test("the time is the system's, in nanoseconds since 1970", () => {
    const captured: Captured[] = [];
    const inner = MemoryDevice.open();
    using tap = new PcapTap(inner, { write: (packet) => captured.push(packet) });
    const before = Date.now();
    inner.inject(conformancePacket(60, 1));
    new PacketPort(tap).tryRead();
    const atMs = Number((captured[0]?.timestampNs ?? 0n) / 1_000_000n);
    expect(Math.abs(atMs - before)).toBeLessThan(3_600_000);
  });

  test("linkTypeOf() fits the medium", () => {
    using ip = MemoryDevice.open();
    using ethernet = MemoryDevice.open({ medium: "ethernet" });
    expect([PcapTap.linkTypeOf(ip), PcapTap.linkTypeOf(ethernet)]).toEqual([101, 1]);
  });
});
