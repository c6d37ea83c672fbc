// One packet in several pieces.
import { expect } from "bun:test";
import { headerBytesOf } from "../capabilities.ts";
import type { AsyncTunDevice, VectoredTunDevice } from "../device.ts";
import { codeOf, headerOf, ROOM_BYTES, type Bench, type ConformanceCase } from "./bench.ts";

const isVectored: ConformanceCase["appliesTo"] = (capabilities) => capabilities.vectored === true;

function vectored(device: AsyncTunDevice): VectoredTunDevice {
  if ("readv" in device && "writev" in device) return device as AsyncTunDevice & VectoredTunDevice;
  throw new Error(`device ${device.name}: expected readv() and writev(), found neither`);
}

function header(bench: Bench): Uint8Array {
  return new Uint8Array(headerBytesOf(bench.device.capabilities));
}

export const piecesCases: readonly ConformanceCase[] = [
  {
    name: "readv() spreads a packet over its parts, and leaves the room behind it",
    appliesTo: isVectored,
    run(bench) {
      const packet = bench.packet(100, 1);
      const [before, first, empty, second] = [
        header(bench),
        new Uint8Array(20),
        new Uint8Array(0),
        new Uint8Array(200),
      ];
      bench.subject.send(packet);
      bench.expectReadable();
      const bytes = vectored(bench.device).readv([before, first, empty, second]);
      expect(bytes).toBe(before.length + packet.length);
      expect(Uint8Array.of(...first, ...second.subarray(0, packet.length - 20))).toEqual(packet);
      expect(second.subarray(packet.length - 20).every((octet) => octet === 0)).toBe(true);
      expect(vectored(bench.device).readv([before, first])).toBe(-1);
    },
  },
  {
    name: "readv() cuts what has no room, and gives the next packet whole",
    appliesTo: isVectored,
    run(bench) {
      const [before, first] = [header(bench), new Uint8Array(30)];
      bench.subject.send(bench.packet(100, 1));
      bench.subject.send(bench.packet(80, 2));
      bench.expectReadable();
      expect(vectored(bench.device).readv([before, first])).toBe(before.length + 30);
      expect(first).toEqual(bench.packet(100, 1).slice(0, 30));
      expect(bench.readAll(1)).toBe(1);
      expect(bench.slots.octets(0)).toEqual(bench.packet(80, 2));
    },
  },
  {
    name: "writev() sends its parts as one packet",
    appliesTo: isVectored,
    run(bench) {
      const packet = bench.packet(300, 3);
      const parts = [headerOf(bench.device.capabilities), packet.subarray(0, 7), new Uint8Array(0), packet.subarray(7)];
      expect(vectored(bench.device).writev(parts)).toBe(true);
      expect(bench.subject.receive()).toEqual(packet);
      expect(bench.device.refused).toBe(0);
    },
  },
  {
    name: "writev() counts what is no packet as refused, and takes it",
    appliesTo: isVectored,
    check: "refuses",
    run(bench) {
      expect(vectored(bench.device).writev([])).toBe(true);
      expect(vectored(bench.device).writev([headerOf(bench.device.capabilities), new Uint8Array(3)])).toBe(true);
      expect(bench.device.refused).toBe(2);
    },
  },
  {
    name: "readv() and writev() do without attach(), and say E_DEVICE_GONE after close()",
    appliesTo: isVectored,
    run({ open }) {
      const fresh = open();
      try {
        expect(vectored(fresh.device).readv([new Uint8Array(ROOM_BYTES)])).toBe(-1);
        fresh.device.close();
        expect(codeOf(() => vectored(fresh.device).readv([new Uint8Array(ROOM_BYTES)]))).toBe("E_DEVICE_GONE");
        expect(codeOf(() => vectored(fresh.device).writev([new Uint8Array(40)]))).toBe("E_DEVICE_GONE");
      } finally {
        fresh.close();
      }
    },
  },
];
