import { describe, expect, test } from "bun:test";
import { packetMemory, SCRATCH_AT, SCRATCH_BYTES } from "../test/packet-memory.ts";
import { datagram, packet4, packet6 } from "../test/packets.ts";
import { MemoryEgress } from "./memory.ts";

const PACKETS = [packet4(datagram(0)), packet6(datagram(1)), packet4(datagram(2)), packet4(datagram(3))];

describe("MemoryEgress", () => {
  test("take() gives copies of what was sent, once and in order", () => {
    const { memory, list } = packetMemory(PACKETS);
    using egress = new MemoryEgress();
    egress.attach(memory, SCRATCH_AT, SCRATCH_BYTES);
    expect(egress.send(list, 1, 4)).toBe(3);
    new Uint8Array(memory).fill(0);
    expect(egress.take()).toEqual(PACKETS.slice(1));
    expect(egress.take()).toEqual([]);
    expect(egress.counters()).toEqual({ sent: 3, refused: {} });
  });

  test("send() takes no more than packetsMax until take() has made room", () => {
    const { memory, list } = packetMemory(PACKETS);
    using egress = new MemoryEgress({ packetsMax: 3 });
    egress.attach(memory, SCRATCH_AT, SCRATCH_BYTES);
    expect(egress.send(list, 0, 4)).toBe(3);
    expect(egress.send(list, 3, 4)).toBe(0);
    expect(egress.take()).toEqual(PACKETS.slice(0, 3));
    expect(egress.send(list, 3, 4)).toBe(1);
    expect(egress.counters()).toEqual({ sent: 4, refused: {} });
  });

  test("send() counts what `refuse` names, and takes it", () => {
    const { memory, list } = packetMemory(PACKETS);
    using egress = new MemoryEgress({
      refuse: (packet) => ((packet[0] ?? 0) >> 4 === 6 ? "ENETUNREACH" : undefined),
    });
    egress.attach(memory, SCRATCH_AT, SCRATCH_BYTES);
    expect(egress.send(list, 0, 4)).toBe(4);
    expect(egress.take()).toEqual(PACKETS.filter((packet) => (packet[0] ?? 0) >> 4 === 4));
    expect(egress.counters()).toEqual({ sent: 3, refused: { ENETUNREACH: 1 } });
  });

  test("send() before attach() and after close() is an error of state", () => {
    const { memory, list } = packetMemory(PACKETS);
    const egress = new MemoryEgress();
    expect(() => egress.send(list, 0, 1)).toThrow("send before attach");
    egress.attach(memory, SCRATCH_AT, SCRATCH_BYTES);
    egress.close();
    egress.close();
    expect(() => egress.send(list, 0, 1)).toThrow("send after close");
  });

  test("handOver() says that a list in one thread cannot be given away", () => {
    expect(() => new MemoryEgress().handOver()).toThrow(expect.objectContaining({ code: "E_UNSUPPORTED" }));
  });
});
