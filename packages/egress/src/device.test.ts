import { describe, expect, test } from "bun:test";
import { Wake, type DeviceCapabilities, type DeviceHandOver, type PacketList, type TunDevice } from "@bunnel/device";
import { packetMemory, SCRATCH_AT, SCRATCH_BYTES } from "../test/packet-memory.ts";
import { datagram, packet4 } from "../test/packets.ts";
import { DEVICE_REFUSED, DeviceEgress, openTransferred } from "./device.ts";

/** A device that takes `room` packets in all and refuses those whose ninth octet, the time to live, is 0. */
class CountingDevice implements TunDevice {
  readonly name = "count0";
  readonly index = 7;
  readonly capabilities: DeviceCapabilities = {
    driver: "counting",
    medium: "ip",
    vnetHeader: true,
    burst: 64,
    events: false,
    transferable: true,
  };
  readonly written: number[] = [];
  refused = 0;
  closed = false;
  memory: ArrayBufferLike | undefined;

  constructor(private readonly room = 1000) {}

  attach(memory: ArrayBufferLike): void {
    this.memory = memory;
  }

  read(): number {
    return 0;
  }

  write(list: PacketList, from: number, to: number): number {
    const octets = new Uint8Array(this.memory ?? new ArrayBuffer(0));
    let next = from;
    for (; next < to && this.written.length + this.refused < this.room; next++) {
      const at = list.at[next] ?? 0;
      if (octets[at + 8] === 0) this.refused++;
      else this.written.push(octets[at + 31] ?? 0);
    }
    return next - from;
  }

  wait(): Wake {
    return Wake.Timeout;
  }

  wake(): void {}

  handOver(): DeviceHandOver {
    return { driver: "counting", descriptor: 12 };
  }

  close(): void {
    this.closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const PACKETS = [0, 1, 2, 3, 4].map((number) => packet4(datagram(number), { ttl: number === 2 ? 0 : 64 }));

describe("DeviceEgress", () => {
  test("writes the part asked for, in order, and counts sent and refused", () => {
    const { memory, list } = packetMemory(PACKETS);
    const device = new CountingDevice();
    device.refused = 5;
    using egress = new DeviceEgress(device);
    egress.attach(memory, SCRATCH_AT, SCRATCH_BYTES);
    expect(egress.send(list, 1, 5)).toBe(4);
    expect(device.written).toEqual([1, 3, 4]);
    // The five refusals before are not ours.
    expect(egress.counters()).toEqual({ sent: 3, refused: { [DEVICE_REFUSED]: 1 } });
  });

  test("takes no more than the device", () => {
    const { memory, list } = packetMemory(PACKETS);
    using egress = new DeviceEgress(new CountingDevice(2));
    egress.attach(memory, SCRATCH_AT, SCRATCH_BYTES);
    expect(egress.send(list, 0, 5)).toBe(2);
    expect(egress.counters()).toEqual({ sent: 2, refused: {} });
  });

  test("has the device's virtio header", () => {
    expect(new DeviceEgress(new CountingDevice()).capabilities).toEqual({
      name: "device",
      vnetHeader: true,
    });
  });

  test("close() leaves the caller's device open and ends send()", () => {
    const { list } = packetMemory(PACKETS);
    const device = new CountingDevice();
    const egress = new DeviceEgress(device);
    egress.close();
    expect(device.closed).toBe(false);
    expect(() => egress.send(list, 0, 1)).toThrow(expect.objectContaining({ code: "E_DEVICE_STATE" }));
  });

  test("openTransferred() opens the device of the hand-over and owns it", () => {
    const device = new CountingDevice();
    const handOver = structuredClone(new DeviceEgress(new CountingDevice()).handOver());
    const given: DeviceHandOver[] = [];
    const egress = openTransferred(handOver, (deviceHandOver) => {
      given.push(deviceHandOver);
      return device;
    });
    expect(given).toEqual([{ driver: "counting", descriptor: 12 }]);
    egress.close();
    expect(device.closed).toBe(true);
    expect(() => openTransferred({ egress: "memory" }, () => device)).toThrow("expected a device egress");
  });
});
