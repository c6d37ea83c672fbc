// Reading and writing in bursts.
import { expect } from "bun:test";
import { headerBytesOf } from "../capabilities.ts";
import type { PacketList } from "../device.ts";
import { ROOM_BYTES, SLOTS, UNTOUCHED, type ConformanceCase } from "./bench.ts";

const SENT_MAX = 100_000;
const STREAM_PACKETS = 200;

export const readCases: readonly ConformanceCase[] = [
  {
    name: "read() brings packets octet for octet, in order",
    run(bench) {
      const packets = [60, 29, 1500, 576].map((bytes, i) => bench.packet(bytes, i));
      for (const packet of packets) bench.subject.send(packet);
      expect(bench.readAll(packets.length)).toBe(packets.length);
      expect(packets.map((_, i) => bench.slots.octets(i))).toEqual(packets);
    },
  },
  {
    name: "read() touches nothing outside the packet and what stands before it",
    run(bench) {
      const packet = bench.packet(100, 1);
      bench.subject.send(packet);
      expect(bench.readAll(1)).toBe(1);
      const { memory, start, list } = bench.slots;
      const at = list.at[0] ?? 0;
      const before = memory.subarray(start, at - headerBytesOf(bench.device.capabilities));
      expect(before.every((octet) => octet === UNTOUCHED)).toBe(true);
      expect(memory.subarray(at + packet.length).every((octet) => octet === UNTOUCHED)).toBe(true);
    },
  },
  {
    name: "read() starts at `from` and stops at the end of the list",
    run(bench) {
      const packets = [61, 62, 63].map((bytes, i) => bench.packet(bytes, i));
      const { device, slots } = bench;
      for (const packet of packets) bench.subject.send(packet);
      bench.expectReadable();
      expect(device.read(slots.list, SLOTS - 1, ROOM_BYTES)).toBe(1);
      expect(slots.octets(SLOTS - 1)).toEqual(bench.packet(61, 0));
      expect(device.read(slots.list, SLOTS, ROOM_BYTES)).toBe(0);
      expect(bench.readAll(2)).toBe(2);
      expect([slots.octets(0), slots.octets(1)]).toEqual(packets.slice(1));
    },
  },
  {
    name: "read() cuts a packet to `maxBytes` and gives the next one whole",
    run(bench) {
      const { device, slots, subject } = bench;
      subject.send(bench.packet(200, 1));
      subject.send(bench.packet(80, 2));
      bench.expectReadable();
      expect(device.read({ at: slots.list.at.subarray(0, 1), lengths: slots.list.lengths }, 0, 64)).toBe(1);
      expect(slots.octets(0)).toEqual(bench.packet(200, 1).subarray(0, 64));
      expect(slots.memory[(slots.list.at[0] ?? 0) + 64]).toBe(UNTOUCHED);
      expect(bench.readAll(1)).toBe(1);
      expect(slots.octets(0)).toEqual(bench.packet(80, 2));
    },
  },
  {
    name: "read() gives 0 when nothing waits",
    run({ device, slots }) {
      expect(device.read(slots.list, 0, ROOM_BYTES)).toBe(0);
    },
  },
  {
    name: "read() brings each of many packets once, in order, burst after burst",
    run(bench) {
      const { device, slots, subject } = bench;
      const seen: Uint8Array[] = [];
      for (let sent = 0; sent < STREAM_PACKETS; sent += 25) {
        for (let i = sent; i < sent + 25; i++) subject.send(bench.packet(28 + i, i));
        while (seen.length < sent + 25) {
          bench.expectReadable();
          const count = device.read(slots.list, 0, ROOM_BYTES);
          for (let i = 0; i < count; i++) seen.push(slots.octets(i));
        }
      }
      expect(seen).toEqual(Array.from({ length: STREAM_PACKETS }, (_, i) => bench.packet(28 + i, i)));
    },
  },
  {
    name: "read() uses the memory that was attached last",
    check: "attach",
    run(bench) {
      const second = new Uint8Array(8192);
      bench.device.attach(second.buffer);
      bench.subject.send(bench.packet(60, 1));
      expect(bench.readAll(1)).toBe(1);
      const at = bench.slots.list.at[0] ?? 0;
      expect(second.slice(at, at + bench.packet(60, 1).length)).toEqual(bench.packet(60, 1));
      expect(bench.slots.memory.every((octet) => octet === UNTOUCHED)).toBe(true);
    },
  },
  {
    name: "read() refuses a place outside the memory",
    run(bench) {
      const outside: PacketList = { at: Uint32Array.of(bench.slots.memory.length - 8), lengths: new Uint16Array(1) };
      bench.subject.send(bench.packet(60, 1));
      expect(() => bench.device.read(outside, 0, ROOM_BYTES)).toThrow(RangeError);
    },
  },
];

export const writeCases: readonly ConformanceCase[] = [
  {
    name: "write() sends packets octet for octet, in order, from `from` up to `to`",
    run(bench) {
      const { device, slots, subject } = bench;
      const packets = [60, 1500, 29].map((bytes, i) => bench.packet(bytes, i));
      slots.put(0, bench.packet(99, 9));
      for (const [i, packet] of packets.entries()) slots.put(i + 1, packet);
      slots.put(4, bench.packet(98, 9));
      expect(device.write(slots.list, 1, 4)).toBe(3);
      expect(packets.map(() => subject.receive())).toEqual(packets);
      expect(device.write(slots.list, 4, 4)).toBe(0);
    },
  },
  {
    name: "write() leaves the packet, what stands before it, and its length as they were",
    run(bench) {
      const { device, slots } = bench;
      slots.put(0, bench.packet(200, 5));
      const before = [...slots.memory];
      expect(device.write(slots.list, 0, 1)).toBe(1);
      expect([...slots.memory]).toEqual(before);
      expect(slots.list.lengths[0]).toBe(bench.packet(200, 5).length);
    },
  },
  {
    name: "write() counts what is no packet as refused, and takes it",
    check: "refuses",
    run(bench) {
      const { device, slots, subject } = bench;
      slots.put(0, new Uint8Array(0));
      slots.put(1, new Uint8Array(device.capabilities.medium === "ip" ? 40 : 13));
      slots.put(2, bench.packet(70, 3));
      expect(device.write(slots.list, 0, 3)).toBe(3);
      expect(device.refused).toBe(2);
      expect(subject.receive()).toEqual(bench.packet(70, 3));
    },
  },
  {
    name: "write() refuses a place outside the memory",
    run({ device, slots }) {
      const outside: PacketList = { at: Uint32Array.of(slots.memory.length - 8), lengths: Uint16Array.of(60) };
      expect(() => device.write(outside, 0, 1)).toThrow(RangeError);
    },
  },
  {
    name: "write() takes a part when the queue fills, and loses nothing",
    check: "fullQueue",
    run(bench) {
      const { device, slots, subject } = bench;
      let sent = 0;
      for (let full = false; !full;) {
        for (let i = 0; i < SLOTS; i++) slots.put(i, bench.packet(1500, sent + i));
        const taken = device.write(slots.list, 0, SLOTS);
        full = taken < SLOTS;
        sent += taken;
        if (sent > SENT_MAX) throw new Error("the queue never fills");
      }
      for (let i = 0; i < sent; i++) expect(subject.receive()).toEqual(bench.packet(1500, i));
      expect(device.write(slots.list, 0, 1)).toBe(1);
    },
  },
];
