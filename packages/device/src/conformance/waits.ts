// Waiting with and without the thread, waking, closing.
import { expect } from "bun:test";
import { Wake } from "../device.ts";
import { codeOf, ROOM_BYTES, SLOTS, type ConformanceCase } from "./bench.ts";

const SENT_MAX = 100_000;

export const waitCases: readonly ConformanceCase[] = [
  {
    name: "wait() ends with Timeout when nothing happens",
    run({ device }) {
      expect(device.wait(0)).toBe(Wake.Timeout);
      expect(device.wait(3)).toBe(Wake.Timeout);
    },
  },
  {
    name: "wait() says Readable as long as a packet waits",
    run(bench) {
      const { device, slots } = bench;
      bench.subject.send(bench.packet(60, 1));
      expect(device.wait(-1)).toBe(Wake.Readable);
      expect(device.wait(0)).toBe(Wake.Readable);
      expect(device.read(slots.list, 0, ROOM_BYTES)).toBe(1);
      expect(device.wait(0)).toBe(Wake.Timeout);
    },
  },
  {
    name: "wake() ends the next wait, once, however often it was called",
    run({ device }) {
      device.wake();
      device.wake();
      expect(device.wait(-1)).toBe(Wake.Woken);
      expect(device.wait(0)).toBe(Wake.Timeout);
    },
  },
  {
    name: "wake() does not lose a packet that came with it",
    run(bench) {
      bench.device.wake();
      bench.subject.send(bench.packet(60, 1));
      expect(bench.device.wait(-1)).toBe(Wake.Woken);
      expect(bench.device.wait(-1)).toBe(Wake.Readable);
    },
  },
  {
    name: "whenReadable() resolves for a packet that waits already, and for one that comes later",
    async run(bench) {
      const { device, slots, subject } = bench;
      subject.send(bench.packet(60, 1));
      await device.whenReadable();
      expect(device.read(slots.list, 0, ROOM_BYTES)).toBe(1);
      for (let i = 0; i < 10; i++) {
        const readable = device.whenReadable();
        subject.send(bench.packet(60, i));
        await readable;
        expect(device.read(slots.list, 0, ROOM_BYTES)).toBe(1);
      }
    },
  },
  {
    name: "whenReadable() lets the event loop go on, and ends with an abort",
    async run({ device }) {
      const controller = new AbortController();
      const readable = device.whenReadable(controller.signal);
      let ticks = 0;
      while (ticks < 5) {
        await Bun.sleep(1);
        ticks++;
      }
      controller.abort();
      await readable;
      await device.whenReadable(controller.signal);
      expect(ticks).toBe(5);
    },
  },
  {
    name: "whenReadable() after an abort waits anew, and the packet of that time is there",
    async run(bench) {
      const controller = new AbortController();
      const first = bench.device.whenReadable(controller.signal);
      controller.abort();
      await first;
      const second = bench.device.whenReadable();
      bench.subject.send(bench.packet(60, 4));
      await second;
      expect(bench.device.read(bench.slots.list, 0, ROOM_BYTES)).toBe(1);
      expect(bench.slots.octets(0)).toEqual(bench.packet(60, 4));
    },
  },
  {
    name: "whenReadable() resolves when the device is closed",
    async run({ device }) {
      const readable = device.whenReadable();
      device.close();
      await readable;
      await device.whenReadable();
    },
  },
  {
    name: "whenWritable() resolves at once while there is room",
    async run(bench) {
      bench.slots.put(0, bench.packet(60, 1));
      expect(bench.device.write(bench.slots.list, 0, 1)).toBe(1);
      await bench.device.whenWritable();
    },
  },
  {
    name: "whenWritable() of a full queue resolves when there is room again, with an abort, and with close()",
    check: "fullQueue",
    async run(bench) {
      const { device, slots, subject } = bench;
      slots.put(0, bench.packet(1500, 1));
      let sent = 0;
      while (device.write(slots.list, 0, 1) === 1) {
        if (++sent > SENT_MAX) throw new Error("the queue never fills");
      }
      const controller = new AbortController();
      const aborted = device.whenWritable(controller.signal);
      controller.abort();
      await aborted;
      expect(device.write(slots.list, 0, 1)).toBe(0);
      const writable = device.whenWritable();
      for (let i = 0; i < sent; i++) expect(subject.receive()).toBeDefined();
      await writable;
      expect(device.write(slots.list, 0, 1)).toBe(1);
      while (device.write(slots.list, 0, 1) === 1) sent++;
      const closing = device.whenWritable();
      device.close();
      await closing;
    },
  },
];

export const endCases: readonly ConformanceCase[] = [
  {
    name: "close() can be called twice; then every call says E_DEVICE_GONE and wait() says Closed",
    run({ device, slots }) {
      device.close();
      device.close();
      expect(codeOf(() => device.read(slots.list, 0, ROOM_BYTES))).toBe("E_DEVICE_GONE");
      expect(codeOf(() => device.write(slots.list, 0, 1))).toBe("E_DEVICE_GONE");
      expect(codeOf(() => device.attach(slots.memory.buffer))).toBe("E_DEVICE_GONE");
      expect(codeOf(() => device.handOver())).toBe("E_DEVICE_GONE");
      expect(device.wait(-1)).toBe(Wake.Closed);
      device.wake();
    },
  },
  {
    name: "`using` closes it",
    run({ device }) {
      {
        using held = device;
        expect(held.wait(0)).toBe(Wake.Timeout);
      }
      expect(device.wait(-1)).toBe(Wake.Closed);
    },
  },
  {
    name: "`await using` closes it",
    async run({ device }) {
      {
        await using held = device;
        expect(held.wait(0)).toBe(Wake.Timeout);
      }
      expect(device.wait(-1)).toBe(Wake.Closed);
    },
  },
  {
    name: "read() and write() before attach() say E_DEVICE_STATE",
    check: "attach",
    run({ open, slots }) {
      const fresh = open();
      try {
        expect(codeOf(() => fresh.device.read(slots.list, 0, ROOM_BYTES))).toBe("E_DEVICE_STATE");
        expect(codeOf(() => fresh.device.write(slots.list, 0, 1))).toBe("E_DEVICE_STATE");
      } finally {
        fresh.close();
      }
    },
  },
  {
    name: "capabilities and names are such as the contract says",
    run({ device }) {
      const { driver, medium, vnetHeader, burst } = device.capabilities;
      expect(driver).not.toBe("");
      expect(["ip", "ethernet"]).toContain(medium);
      expect(typeof vnetHeader).toBe("boolean");
      expect(burst).toBeGreaterThanOrEqual(SLOTS);
      expect(device.name).not.toBe("");
      expect(device.index).toBeGreaterThanOrEqual(0);
      expect(device.refused).toBe(0);
    },
  },
];
