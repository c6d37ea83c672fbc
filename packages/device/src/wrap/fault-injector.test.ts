import { describe, expect, test } from "bun:test";
import { conformancePacket } from "../conformance.ts";
import { Wake, type PacketList } from "../device.ts";
import { MemoryDevice } from "../memory-device.ts";
import { FaultInjector, type FaultOptions } from "./fault-injector.ts";

const PACKETS = 400;

/** A number that each packet carries, in its identification field. */
function numberOf(packet: Uint8Array): number {
  return ((packet[4] ?? 0) << 8) | (packet[5] ?? 0);
}

/** Sends PACKETS numbered packets to the reader; gives what came, and the injector. */
function readThrough(options: FaultOptions) {
  const inner = MemoryDevice.open();
  const injector = new FaultInjector(inner, options);
  const memory = new Uint8Array(8 * 2048);
  const list: PacketList = {
    at: Uint32Array.from({ length: 8 }, (_, i) => i * 2048 + 128),
    lengths: new Uint16Array(8),
  };
  injector.attach(memory.buffer);
  for (let i = 0; i < PACKETS; i++) inner.inject(conformancePacket(60, i));
  const came: Uint8Array[] = [];
  while (injector.wait(0) !== Wake.Timeout) {
    const count = injector.read(list, 0, 1500);
    for (let i = 0; i < count; i++) {
      const at = list.at[i] ?? 0;
      came.push(memory.slice(at, at + (list.lengths[i] ?? 0)));
    }
  }
  return { came, injector };
}

/** Writes PACKETS numbered packets; gives what arrived. */
function writeThrough(options: FaultOptions) {
  const inner = MemoryDevice.open();
  const injector = new FaultInjector(inner, options);
  const memory = new Uint8Array(8 * 2048);
  const list: PacketList = {
    at: Uint32Array.from({ length: 8 }, (_, i) => i * 2048 + 128),
    lengths: new Uint16Array(8).fill(60),
  };
  injector.attach(memory.buffer);
  const taken: number[] = [];
  for (let next = 0; next < PACKETS;) {
    const to = Math.min(8, PACKETS - next);
    for (let i = 0; i < to; i++) memory.set(conformancePacket(60, next + i), list.at[i]);
    taken.push(injector.write(list, 0, to));
    next += taken.at(-1) ?? 0;
  }
  injector.wait(0);
  const came: Uint8Array[] = [];
  for (let packet = inner.take(); packet; packet = inner.take()) came.push(packet);
  return { came, injector, taken };
}

const ALL = Array.from({ length: PACKETS }, (_, i) => 0x1000 + i);

describe.each([
  ["read", readThrough],
  ["write", writeThrough],
] as const)("FaultInjector, %s", (way, through) => {
  test("loses, and counts what it lost", () => {
    const { came, injector } = through({ seed: 3, [way]: { loss: 0.2 } });
    const { lost } = injector.counts[way];
    expect(lost).toBeGreaterThan(PACKETS / 10);
    expect(lost).toBeLessThan(PACKETS / 3);
    expect(came).toHaveLength(PACKETS - lost);
    expect(came.map(numberOf)).toEqual(came.map(numberOf).toSorted((a, b) => a - b));
  });

  test("duplicates", () => {
    const { came, injector } = through({ seed: 3, [way]: { duplication: 0.2 } });
    const { duplicated } = injector.counts[way];
    expect(duplicated).toBeGreaterThan(PACKETS / 10);
    expect(came).toHaveLength(PACKETS + duplicated);
    expect([...new Set(came.map(numberOf))]).toEqual(ALL);
  });

  test("reorders, and loses none: a packet comes at most four places late", () => {
    const { came, injector } = through({ seed: 3, [way]: { reorder: 0.2 } });
    expect(injector.counts[way].reordered).toBeGreaterThan(PACKETS / 10);
    const numbers = came.map(numberOf);
    expect(numbers).not.toEqual(ALL);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(ALL);
    const late = numbers.map((number, i) => numbers.slice(0, i).filter((earlier) => earlier > number).length);
    expect(Math.max(...late)).toBeGreaterThan(0);
    // A packet that is late itself may be passed by others that are late.
    expect(Math.max(...late)).toBeLessThanOrEqual(8);
  });

  test("turns one bit of a packet", () => {
    const { came, injector } = through({ seed: 3, [way]: { corruption: 0.1 } });
    const sound = Array.from({ length: PACKETS }, (_, i) => conformancePacket(60, i));
    const turned = came.filter((packet) => !sound.some((each) => Buffer.compare(each, packet) === 0));
    expect(injector.counts[way].corrupted).toBeGreaterThan(PACKETS / 20);
    // Where the version field was turned it is no packet any more: the device in memory refuses it.
    expect(came).toHaveLength(PACKETS - injector.refused);
    expect(turned).toHaveLength(injector.counts[way].corrupted - injector.refused);
    for (const packet of turned) expect(Math.min(...sound.map((each) => bitsBetween(each, packet)))).toBe(1);
  });

  test("does the same for the same seed, and something else for another", () => {
    const rates = { loss: 0.1, duplication: 0.1, reorder: 0.1, corruption: 0.1 };
    const run = (seed: number) =>
      through({ seed, [way]: rates }).came.map((packet) => Buffer.from(packet).toString("hex"));
    expect(run(11)).toEqual(run(11));
    expect(run(11)).not.toEqual(run(12));
  });
});

describe("FaultInjector", () => {
  test("shortWrites and noBuffers leave packets to the caller, who sends them again: none is lost", () => {
    const { came, taken, injector } = writeThrough({ seed: 5, shortWrites: 0.5, noBuffers: 0.3 });
    expect(came.map(numberOf)).toEqual(ALL);
    expect(injector.counts).toMatchObject({ noBuffers: taken.filter((count) => count === 0).length });
    expect(injector.counts.noBuffers).toBeGreaterThan(0);
    expect(taken.filter((count) => count > 0 && count < 8).length).toBeGreaterThan(0);
    expect(injector.counts.shortWrites).toBeGreaterThan(0);
  });

  test("interrupts end waits and reads with nothing, and lose no packet", () => {
    const inner = MemoryDevice.open();
    using injector = new FaultInjector(inner, { seed: 5, interrupts: 0.5 });
    injector.attach(new ArrayBuffer(4096));
    inner.inject(conformancePacket(60, 1));
    const wakes = Array.from({ length: 50 }, () => injector.wait(-1));
    expect(new Set(wakes)).toEqual(new Set([Wake.Readable, Wake.Woken]));
    expect(new Set(Array.from({ length: 50 }, () => injector.wait(5)))).toEqual(new Set([Wake.Readable, Wake.Timeout]));
    const list: PacketList = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
    let tries = 1;
    while (injector.read(list, 0, 1500) === 0) tries++;
    expect(list.lengths[0]).toBe(60);
    expect(injector.counts.interrupts).toBeGreaterThanOrEqual(tries - 1);
  });

  test("a packet that is late on its way out goes with the next wait", () => {
    const inner = MemoryDevice.open();
    using injector = new FaultInjector(inner, { seed: 1, write: { reorder: 1 } });
    const memory = new Uint8Array(4096);
    injector.attach(memory.buffer);
    memory.set(conformancePacket(60, 1), 128);
    expect(injector.write({ at: Uint32Array.of(128), lengths: Uint16Array.of(60) }, 0, 1)).toBe(1);
    expect(inner.take()).toBeUndefined();
    injector.wait(0);
    expect(inner.take()).toEqual(conformancePacket(60, 1));
  });
});

/** Bits in which two packets of one length differ. */
function bitsBetween(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, octet, i) => sum + (octet ^ (b[i] ?? 0)).toString(2).replaceAll("0", "").length, 0);
}
