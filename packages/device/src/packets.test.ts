import { describe, expect, test } from "bun:test";
import { conformancePacket } from "./conformance.ts";
import { Wake } from "./device.ts";
import { MemoryDevice } from "./memory-device.ts";
import { PacketPort, readPackets } from "./packets.ts";
import { streamsOf } from "./streams.ts";

describe("PacketPort", () => {
  test("read() waits for a packet while the event loop goes on", async () => {
    using device = MemoryDevice.open();
    const port = new PacketPort(device);
    let ticks = 0;
    const reading = port.read();
    await new Promise<void>((resolve) => {
      const tick = () => (++ticks === 3 ? resolve() : setImmediate(tick));
      tick();
    });
    expect(ticks).toBe(3);
    device.inject(conformancePacket(60, 1));
    expect(await reading).toEqual(conformancePacket(60, 1));
  });

  test("packets are copies: the next read does not change them", () => {
    using device = MemoryDevice.open();
    const port = new PacketPort(device);
    device.inject(conformancePacket(60, 1));
    const first = port.tryRead();
    device.inject(conformancePacket(60, 2));
    expect(port.tryRead()).toEqual(conformancePacket(60, 2));
    expect(first).toEqual(conformancePacket(60, 1));
    expect(port.tryRead()).toBeUndefined();
  });

  test("a loop over the packets ends when the device is closed", async () => {
    const device = MemoryDevice.open();
    const port = new PacketPort(device);
    for (let i = 0; i < 20; i++) device.inject(conformancePacket(60 + i, i));
    const lengths: number[] = [];
    for await (const packet of port) {
      lengths.push(packet.length);
      if (lengths.length === 20) setTimeout(() => device.close(), 1);
    }
    expect(lengths).toEqual(Array.from({ length: 20 }, (_, i) => 60 + i));
  });

  test("read() after close says E_DEVICE_GONE", async () => {
    const device = MemoryDevice.open();
    const port = new PacketPort(device);
    device.close();
    expect(await port.read().catch((error: unknown) => error)).toMatchObject({ code: "E_DEVICE_GONE" });
  });

  test("write() refuses more octets than a packet can have", () => {
    using device = MemoryDevice.open();
    const port = new PacketPort(device);
    expect(() => port.write(new Uint8Array(65536))).toThrow("expected 0 to 65535 octets, found 65536");
    for (const wrong of ["octets", new ArrayBuffer(20), undefined]) {
      expect(() => port.write(wrong as unknown as Uint8Array)).toThrow("packet: expected a Uint8Array, found");
    }
  });

  test("readSync() goes on waiting when a wait ended and there is nothing to read", () => {
    using device = MemoryDevice.open();
    const port = new PacketPort(device);
    let waits = 0;
    device.wait = () => {
      if (++waits === 3) device.inject(conformancePacket(60, 1));
      return Wake.Readable;
    };
    expect(port.readSync()).toEqual(conformancePacket(60, 1));
    expect(waits).toBe(3);
  });

  test("a writable that is aborted while it waits for room lets go", async () => {
    using device = MemoryDevice.open({ queueBytes: 2048 });
    const port = new PacketPort(device);
    while (port.write(conformancePacket(1000, 1)));
    const writer = streamsOf(port).writable.getWriter();
    const writing = writer.write(conformancePacket(1000, 2)).catch((error: unknown) => error);
    await writer.abort(new Error("enough"));
    expect(await writing).toMatchObject({ message: "enough" });
  });

  test("send() waits for room, and an abort ends the wait", async () => {
    using device = MemoryDevice.open({ queueBytes: 2048 });
    const port = new PacketPort(device);
    await port.send(conformancePacket(1500, 1));
    const sending = port.send(conformancePacket(1500, 2));
    const signal = AbortSignal.abort(new Error("too late"));
    expect(await port.send(conformancePacket(1500, 3), { signal }).catch(String)).toBe("Error: too late");
    expect(device.take()).toEqual(conformancePacket(1500, 1));
    await sending;
    expect(device.take()).toEqual(conformancePacket(1500, 2));
    expect(device.take()).toBeUndefined();
  });

  test("packets({ signal }) ends with the abort", async () => {
    using device = MemoryDevice.open();
    const controller = new AbortController();
    device.inject(conformancePacket(60, 1));
    const lengths: number[] = [];
    for await (const packet of readPackets(device, { signal: controller.signal })) {
      lengths.push(packet.length);
      setTimeout(() => controller.abort(), 1);
    }
    expect(lengths).toEqual([60]);
  });

  test("a device with virtio headers is refused", () => {
    using device = MemoryDevice.open({ vnetHeader: true });
    expect(() => new PacketPort(device)).toThrow("expected a device without offload");
  });
});
