// The contract of TunDevice as tests. Every driver runs them; what it cannot do it lists with the reason.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { ConformanceAnswer, ConformanceOrder } from "./conformance-worker.ts";
import { Wake, type DeviceHandOver, type PacketList, type TunDevice } from "./device.ts";
import { DeviceError, type DeviceErrorCode } from "./errors.ts";

/** An open device and its other side. */
export interface ConformanceSubject {
  readonly device: TunDevice;
  /** Makes the device read exactly these octets. */
  send(packet: Uint8Array): void;
  /** The next packet that the device wrote, as it arrived on the other side; undefined when none comes. */
  receive(): Uint8Array | undefined;
  /** Closes device and other side. */
  close(): void;
}

/** Tests that a driver may be excused from. */
export type ConformanceCheck = "handOver" | "fullQueue" | "refuses";

export interface ConformanceOptions {
  open(): ConformanceSubject;
  /** The module, by URL, and its function that opens a handed-over device in a Worker. */
  readonly transferred?: { readonly module: string; readonly opener: string };
  readonly cannot?: Readonly<Partial<Record<ConformanceCheck, string>>>;
}

const SLOT_BYTES = 4096;
const HEADROOM_BYTES = 128;
const SLOTS = 8;
const ROOM_BYTES = 2048;
const UNTOUCHED = 0xa5;
const WAIT_MS = 2000;
const ROUNDS_MAX = 200;

/** An IPv4 UDP packet of `bytes` octets, 192.0.2.7:40000 to 203.0.113.9:9, payload counted up from `seed`. RFC 791. */
export function conformancePacket(bytes: number, seed: number): Uint8Array {
  const packet = new Uint8Array(bytes);
  const view = new DataView(packet.buffer);
  view.setUint16(0, 0x4500);
  view.setUint16(2, bytes);
  view.setUint16(4, 0x1000 + seed);
  view.setUint16(8, 0x4011);
  packet.set([192, 0, 2, 7, 203, 0, 113, 9], 12);
  view.setUint16(10, ipv4Checksum(view));
  view.setUint16(20, 40000);
  view.setUint16(22, 9);
  view.setUint16(24, bytes - 20);
  for (let i = 28; i < bytes; i++) packet[i] = i + seed;
  return packet;
}

function ipv4Checksum(view: DataView): number {
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A memory with slots, and what lies in them. */
class Slots {
  readonly memory = new Uint8Array(new SharedArrayBuffer(SLOTS * SLOT_BYTES)).fill(UNTOUCHED);
  readonly list: PacketList = { at: new Uint32Array(SLOTS), lengths: new Uint16Array(SLOTS) };

  constructor() {
    for (let i = 0; i < SLOTS; i++) this.list.at[i] = i * SLOT_BYTES + HEADROOM_BYTES;
  }

  octets(i: number): Uint8Array {
    const at = this.list.at[i] ?? 0;
    return this.memory.slice(at, at + (this.list.lengths[i] ?? 0));
  }

  /** Puts a packet down; the headroom is zero, which is a virtio header that says nothing. */
  put(i: number, packet: Uint8Array): void {
    const at = this.list.at[i] ?? 0;
    this.memory.fill(0, at - HEADROOM_BYTES, at);
    this.memory.set(packet, at);
    this.list.lengths[i] = packet.length;
  }
}

/** Reads until `count` packets lie in the slots; gives how many came. */
function readAll(device: TunDevice, slots: Slots, count: number): number {
  let read = 0;
  for (let round = 0; round < ROUNDS_MAX && read < count; round++) {
    if (device.wait(WAIT_MS) !== Wake.Readable) break;
    read += device.read(slots.list, read, ROOM_BYTES);
  }
  return read;
}

function codeOf(work: () => unknown): DeviceErrorCode | "nothing" {
  try {
    work();
  } catch (error) {
    if (error instanceof DeviceError) return error.code;
    throw error;
  }
  return "nothing";
}

/** Registers the suite under `name`. */
export function conformance(name: string, options: ConformanceOptions): void {
  let subject: ConformanceSubject;
  let device: TunDevice;
  let slots: Slots;
  const excused = (check: ConformanceCheck) => options.cannot?.[check] !== undefined;

  describe(`${name} keeps the contract of TunDevice`, () => {
    beforeEach(() => {
      subject = options.open();
      device = subject.device;
      slots = new Slots();
      device.attach(slots.memory.buffer);
    });
    afterEach(() => subject.close());

    test("read() brings packets octet for octet, in order", () => {
      const packets = [60, 29, 1500, 576].map(conformancePacket);
      for (const packet of packets) subject.send(packet);
      expect(readAll(device, slots, packets.length)).toBe(packets.length);
      expect(packets.map((_, i) => slots.octets(i))).toEqual(packets);
    });

    test("read() touches nothing outside the packet and its virtio header", () => {
      subject.send(conformancePacket(100, 1));
      expect(readAll(device, slots, 1)).toBe(1);
      const at = slots.list.at[0] ?? 0;
      const before = device.capabilities.vnetHeader ? at - 10 : at;
      expect(slots.memory.subarray(0, before).every((octet) => octet === UNTOUCHED)).toBe(true);
      expect(slots.memory.subarray(at + 100).every((octet) => octet === UNTOUCHED)).toBe(true);
    });

    test("read() starts at `from` and stops at the end of the list", () => {
      const packets = [61, 62, 63].map(conformancePacket);
      for (const packet of packets) subject.send(packet);
      expect(device.wait(WAIT_MS)).toBe(Wake.Readable);
      expect(device.read(slots.list, SLOTS - 1, ROOM_BYTES)).toBe(1);
      expect(slots.octets(SLOTS - 1)).toEqual(conformancePacket(61, 0));
      expect(device.read(slots.list, SLOTS, ROOM_BYTES)).toBe(0);
      expect(readAll(device, slots, 2)).toBe(2);
      expect([slots.octets(0), slots.octets(1)]).toEqual(packets.slice(1));
    });

    test("read() cuts a packet to `maxBytes` and gives the next one whole", () => {
      subject.send(conformancePacket(200, 1));
      subject.send(conformancePacket(80, 2));
      expect(device.wait(WAIT_MS)).toBe(Wake.Readable);
      expect(device.read({ at: slots.list.at.subarray(0, 1), lengths: slots.list.lengths }, 0, 64)).toBe(1);
      expect(slots.octets(0)).toEqual(conformancePacket(200, 1).subarray(0, 64));
      expect(slots.memory[(slots.list.at[0] ?? 0) + 64]).toBe(UNTOUCHED);
      expect(readAll(device, slots, 1)).toBe(1);
      expect(slots.octets(0)).toEqual(conformancePacket(80, 2));
    });

    test("read() gives 0 when nothing waits", () => {
      expect(device.read(slots.list, 0, ROOM_BYTES)).toBe(0);
    });

    test("write() sends packets octet for octet, in order, from `from` up to `to`", () => {
      const packets = [60, 1500, 29].map(conformancePacket);
      slots.put(0, conformancePacket(99, 9));
      for (const [i, packet] of packets.entries()) slots.put(i + 1, packet);
      slots.put(4, conformancePacket(98, 9));
      expect(device.write(slots.list, 1, 4)).toBe(3);
      expect(packets.map(() => subject.receive())).toEqual(packets);
      expect(device.write(slots.list, 4, 4)).toBe(0);
    });

    if (!excused("refuses")) {
      test("write() counts what is no packet as refused, and takes it", () => {
        slots.put(0, new Uint8Array(0));
        slots.put(1, new Uint8Array(40));
        slots.put(2, conformancePacket(70, 3));
        expect(device.write(slots.list, 0, 3)).toBe(3);
        expect(device.refused).toBe(2);
        expect(subject.receive()).toEqual(conformancePacket(70, 3));
      });
    }

    if (!excused("fullQueue")) {
      test("write() takes a part when the queue fills, and loses nothing", () => {
        let sent = 0;
        for (let full = false; !full;) {
          for (let i = 0; i < SLOTS; i++) slots.put(i, conformancePacket(1500, sent + i));
          const taken = device.write(slots.list, 0, SLOTS);
          full = taken < SLOTS;
          sent += taken;
          if (sent > 100_000) throw new Error("the queue never fills");
        }
        for (let i = 0; i < sent; i++) expect(subject.receive()).toEqual(conformancePacket(1500, i));
        expect(device.write(slots.list, 0, 1)).toBe(1);
      });
    }

    test("wait() ends with Timeout when nothing happens", () => {
      expect(device.wait(0)).toBe(Wake.Timeout);
      expect(device.wait(3)).toBe(Wake.Timeout);
    });

    test("wait() says Readable as long as a packet waits", () => {
      subject.send(conformancePacket(60, 1));
      expect(device.wait(-1)).toBe(Wake.Readable);
      expect(device.wait(0)).toBe(Wake.Readable);
      expect(device.read(slots.list, 0, ROOM_BYTES)).toBe(1);
      expect(device.wait(0)).toBe(Wake.Timeout);
    });

    test("wake() ends the next wait, once, however often it was called", () => {
      device.wake();
      device.wake();
      expect(device.wait(-1)).toBe(Wake.Woken);
      expect(device.wait(0)).toBe(Wake.Timeout);
    });

    test("wake() does not lose a packet that came with it", () => {
      device.wake();
      subject.send(conformancePacket(60, 1));
      expect(device.wait(-1)).toBe(Wake.Woken);
      expect(device.wait(-1)).toBe(Wake.Readable);
    });

    test("close() can be called twice; then every call says E_DEVICE_GONE and wait() says Closed", () => {
      device.close();
      device.close();
      expect(codeOf(() => device.read(slots.list, 0, ROOM_BYTES))).toBe("E_DEVICE_GONE");
      expect(codeOf(() => device.write(slots.list, 0, 1))).toBe("E_DEVICE_GONE");
      expect(codeOf(() => device.attach(slots.memory.buffer))).toBe("E_DEVICE_GONE");
      expect(codeOf(() => device.handOver())).toBe("E_DEVICE_GONE");
      expect(device.wait(-1)).toBe(Wake.Closed);
      device.wake();
    });

    test("read() and write() before attach() say E_DEVICE_STATE", () => {
      const fresh = options.open();
      try {
        expect(codeOf(() => fresh.device.read(slots.list, 0, ROOM_BYTES))).toBe("E_DEVICE_STATE");
        expect(codeOf(() => fresh.device.write(slots.list, 0, 1))).toBe("E_DEVICE_STATE");
      } finally {
        fresh.close();
      }
    });

    test("read() refuses a place outside the memory", () => {
      subject.send(conformancePacket(60, 1));
      const outside: PacketList = { at: Uint32Array.of(slots.memory.length - 8), lengths: new Uint16Array(1) };
      expect(() => device.read(outside, 0, ROOM_BYTES)).toThrow(RangeError);
    });
  });

  const { transferred } = options;
  if (excused("handOver") || !transferred) return;

  describe(`${name} can be handed to a Worker`, () => {
    let worker: Thread;
    beforeEach(async () => {
      subject = options.open();
      device = subject.device;
      worker = new Thread();
      const handOver: DeviceHandOver = structuredClone(device.handOver());
      expect(await worker.obey({ order: "open", ...transferred, handOver })).toEqual({ answer: "done" });
    });
    afterEach(() => {
      subject.close();
      worker.end();
    });

    test("packets go both ways", async () => {
      const waiting = worker.obey({ order: "wait", timeoutMs: -1 });
      await worker.nextWaiting();
      subject.send(conformancePacket(60, 1));
      expect(await waiting).toEqual({ answer: "woke", wake: Wake.Readable });
      expect(await worker.obey({ order: "read" })).toEqual({ answer: "read", packets: [conformancePacket(60, 1)] });
      expect(await worker.obey({ order: "write", packet: conformancePacket(61, 2) })).toEqual({
        answer: "wrote",
        count: 1,
      });
      expect(subject.receive()).toEqual(conformancePacket(61, 2));
    });

    test("wake() of the first thread ends a wait of the other", async () => {
      const waiting = worker.obey({ order: "wait", timeoutMs: -1 });
      await worker.nextWaiting();
      device.wake();
      expect(await waiting).toEqual({ answer: "woke", wake: Wake.Woken });
    });

    test("close() of the first thread ends a wait of the other", async () => {
      const waiting = worker.obey({ order: "wait", timeoutMs: -1 });
      await worker.nextWaiting();
      device.close();
      const { wake } = (await waiting) as { readonly wake: Wake };
      expect([Wake.Woken, Wake.Closed]).toContain(wake);
    });
  });
}

/** A Worker that answers one order at a time. */
class Thread {
  readonly #worker = new Worker(new URL("./conformance-worker.ts", import.meta.url));
  #answer: ((answer: ConformanceAnswer) => void) | undefined;
  #waiting: (() => void) | undefined;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<ConformanceAnswer>) => {
      if (data.answer === "waiting") this.#waiting?.();
      else this.#answer?.(data);
    };
  }

  obey(order: ConformanceOrder): Promise<ConformanceAnswer> {
    const { promise, resolve } = Promise.withResolvers<ConformanceAnswer>();
    this.#answer = resolve;
    this.#worker.postMessage(order);
    return promise;
  }

  /** Resolves when the thread says that it is about to block. */
  nextWaiting(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = resolve;
    return promise;
  }

  end(): void {
    this.#worker.terminate();
  }
}
