import { describe, expect, test } from "bun:test";
import { conformance, conformancePacket } from "./conformance.ts";
import { Wake, type PacketList } from "./device.ts";
import { MemoryDevice, type MemoryDeviceOptions } from "./memory-device.ts";
import { readPackets, sendPacket } from "./packets.ts";

const KINDS: readonly (readonly [string, MemoryDeviceOptions])[] = [
  ["MemoryDevice", {}],
  ["MemoryDevice with virtio headers", { vnetHeader: true }],
  ["MemoryDevice of Ethernet", { medium: "ethernet" }],
];

for (const [name, options] of KINDS) {
  const { medium = "ip", vnetHeader = false } = options;
  conformance(name, {
    open() {
      const device = MemoryDevice.open({ ...options, queueBytes: 1 << 16 });
      return {
        device,
        send: (packet) => void device.inject(packet),
        receive: () => device.take(),
        close: () => device.close(),
      };
    },
    capabilities: { medium, vnetHeader, vectored: true },
    transferred: { module: new URL("./memory-device.ts", import.meta.url).href, opener: "openTransferredMemory" },
  });
}

describe("MemoryDevice", () => {
  test("inject() drops and counts what the queue has no room for", () => {
    using device = MemoryDevice.open({ queueBytes: 4096 });
    const taken = Array.from({ length: 5 }, (_, i) => device.inject(conformancePacket(1000, i)));
    expect(taken).toEqual([true, true, true, true, false]);
    expect(device.dropped).toBe(1);
  });

  test("pair() connects two devices, both ways", async () => {
    const [a, b] = MemoryDevice.pair();
    expect([a.name, b.name]).toEqual(["memory0", "memory1"]);
    expect(sendPacket(a, conformancePacket(60, 1))).toBe(true);
    expect(sendPacket(b, conformancePacket(61, 2))).toBe(true);
    for await (const packet of readPackets(a)) {
      expect(packet).toEqual(conformancePacket(61, 2));
      break;
    }
    for await (const packet of readPackets(b)) {
      expect(packet).toEqual(conformancePacket(60, 1));
      break;
    }
    b.close();
    expect(sendPacket(a, conformancePacket(62, 3))).toBe(true);
    expect(a.dropped).toBe(1);
  });

  test("virtio headers travel with their packets", () => {
    using device = MemoryDevice.open({ vnetHeader: true });
    const memory = new Uint8Array(4096);
    const list: PacketList = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
    device.attach(memory.buffer);
    const header = Uint8Array.of(1, 1, 40, 0, 160, 5, 20, 0, 16, 0);
    expect(device.inject(conformancePacket(60, 1), header)).toBe(true);
    expect(device.read(list, 0, 2048)).toBe(1);
    expect(memory.slice(118, 128)).toEqual(header);
    expect(device.write(list, 0, 1)).toBe(1);
    expect(device.takeWithHeader()).toEqual(Uint8Array.of(...header, ...conformancePacket(60, 1)));
  });

  test("a queue that wrapped around thousands of times still gives each packet as it came", () => {
    using device = MemoryDevice.open({ queueBytes: 4096 });
    device.attach(new ArrayBuffer(8192));
    for (let i = 0; i < 10_000; i++) {
      const packet = conformancePacket(29 + ((i * 37) % 1400), i);
      expect(device.inject(packet)).toBe(true);
      expect(device.wait(0)).toBe(Wake.Readable);
      const list: PacketList = { at: Uint32Array.of(100), lengths: new Uint16Array(1) };
      const memory = new Uint8Array(2048);
      device.attach(memory.buffer);
      device.read(list, 0, 1500);
      expect(Buffer.compare(memory.subarray(100, 100 + packet.length), packet)).toBe(0);
    }
  });

  test("openTransferred() refuses the hand-over of another driver", () => {
    expect(() => MemoryDevice.openTransferred({ driver: "linux", fd: 3 })).toThrow('found "linux"');
  });
});
