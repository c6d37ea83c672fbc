import { describe, expect, test } from "bun:test";
import { MemoryDevice, type PacketList } from "@bunnel/device";
import { udpPacket } from "@bunnel/wire";
import { DeviceOut } from "./device-out.ts";

const OWN = ["10.0.85.1", "2001:db8::1"];
const SLOT_BYTES = 256;

/** Packets one behind the other in one memory. */
function listed(packets: readonly Uint8Array[]): { readonly memory: ArrayBuffer; readonly list: PacketList } {
  const memory = new ArrayBuffer(packets.length * SLOT_BYTES);
  const at = Uint32Array.from(packets, (_, i) => i * SLOT_BYTES);
  for (const [i, packet] of packets.entries()) new Uint8Array(memory).set(packet, at[i]);
  return { memory, list: { at, lengths: Uint16Array.from(packets, ({ length }) => length) } };
}

const from = (source: string, destination: string): Uint8Array =>
  udpPacket({ source, destination, sourcePort: 53, destinationPort: 40000, payload: Uint8Array.of(1) });

describe("DeviceOut", () => {
  const answers = [from("203.0.113.9", "10.0.85.1"), from("2001:db8:2::9", "2001:db8::1")];
  const passed = [from("10.0.85.1", "203.0.113.9"), from("2001:db8::1", "2001:db8:2::9")];

  test("gives answers to the device, and keeps what this machine sends out of it", () => {
    const { memory, list } = listed(
      [answers[0], passed[0], passed[1], answers[1]].filter((each) => each !== undefined),
    );
    const device = MemoryDevice.open();
    using out = new DeviceOut({ handOver: () => device.handOver(), open: () => device, own: () => OWN });
    out.attach(memory, 0, 0);
    expect(out.send(list, 0, 4)).toBe(4);
    const written = [device.take(), device.take(), device.take()];
    expect(written.map((packet) => packet && Buffer.from(packet))).toEqual([
      ...answers.map((packet) => Buffer.from(packet)),
      undefined,
    ]);
    expect(out.counters()).toEqual({ sent: 2, refused: { OUTSIDE: 2 } });
  });

  test("opens the device when the first packet is for it, not before", () => {
    let opened = 0;
    const device = MemoryDevice.open();
    const open = (): MemoryDevice => {
      opened += 1;
      return device;
    };
    using out = new DeviceOut({ handOver: () => device.handOver(), open, own: () => OWN });
    const { memory, list } = listed(answers);
    out.attach(memory, 0, 0);
    expect([opened, out.refused]).toEqual([0, 0]);
    out.send(list, 0, 1);
    out.send(list, 1, 2);
    expect(opened).toBe(1);
  });
});
