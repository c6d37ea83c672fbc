// What the pump makes of results that a real device gives rarely: a packet that comes between two reads, a queue that
// is full for a moment. The rings are played by the test.
import { describe, expect, test } from "bun:test";
import { EAGAIN, EINVAL, EIO, ENOBUFS } from "../sys.ts";
import { pumpMemory } from "../../test/pump/memory.ts";
import type { Merger } from "./pump.ts";
import { RING_READ, RING_WRITE, RING_WRITEV, type Submissions } from "./ring.ts";
import { UringPump } from "./uring.ts";

/** Answers each submission with the next of the given results; what it has no answer for finds nothing. */
class PlayedRings implements Submissions {
  readonly results = new Int32Array(64);
  readonly submissions: { readonly operation: number; readonly fd: number; readonly bytes: number }[][] = [];
  #put: { operation: number; fd: number; bytes: number }[] = [];

  constructor(readonly answers: readonly (readonly number[])[]) {}

  put(operation: number, fd: number, _address: number, bytes: number): void {
    this.#put.push({ operation, fd, bytes });
  }

  submit(): void {
    const answer = this.answers[this.submissions.length] ?? [];
    for (const i of this.#put.keys()) this.results[i] = answer[i] ?? -EAGAIN;
    this.submissions.push(this.#put);
    this.#put = [];
  }

  close(): void {}
}

const FOUR = [60, 60, 60, 60];

class PlayedPump extends UringPump {
  /** As after a spell of so many packets, of so many octets each. */
  expectBurst(packets = 4, octets = 60): void {
    for (const came of [packets, 0]) this.spells[0]?.note(came, octets * came);
  }
}

function pumpOf(answers: readonly (readonly number[])[], headerBytes = 0) {
  const place = pumpMemory(128);
  const rings = new PlayedRings(answers);
  const ports = [{ name: "test0", fd: -1, headerBytes }];
  const pump = new PlayedPump({ memory: place.memory, ports, eventFd: -1, reason: "" }, rings);
  return { ...place, rings, pump, list: place.list(64) };
}

/** Every group has so many pieces. */
function mergerOf(pieces: number, groups: number): Merger & { readonly loose: number[] } {
  const records = new Uint32Array(groups * 4);
  for (let group = 0; group < groups; group++) records.set([group * pieces, pieces, 0x400, 100], group * 4);
  const loose: number[] = [];
  return {
    tx: { at: new Uint32Array(groups * pieces).fill(0x400), lengths: new Uint16Array(groups * pieces).fill(60) },
    groups: { records, piecesAt: 0x800, order: Uint16Array.from({ length: groups * pieces }, (_, i) => i) },
    coalesce: () => groups,
    loosen: (group) => loose.push(group),
    loose,
  };
}

describe("UringPump.read()", () => {
  test("tries more when every read found a packet, and at first as many as there were the last time", () => {
    const { pump, rings, list } = pumpOf([FOUR, Array.from({ length: 9 }, () => 60), [60, 60], [], [60], []]);
    pump.expectBurst();
    expect(pump.read(0, list, 0, 1500)).toBe(15);
    expect(pump.read(0, list, 0, 1500)).toBe(0);
    expect(pump.read(0, list, 0, 1500)).toBe(1);
    expect(rings.submissions.map((each) => each.length)).toEqual([4, 9, 27, 31, 15]);
    expect(rings.submissions[0]?.[0]).toEqual({ operation: RING_READ, fd: -1, bytes: 1500 });
    expect(pump.counters()).toEqual({ read: 16, written: 0, refused: {} });
  });

  test("never reads more than the list has room for", () => {
    const full = Array.from({ length: 64 }, () => 40);
    const { pump, rings, list } = pumpOf([full, full, full, full, full, full]);
    pump.expectBurst();
    expect(pump.read(0, list, 50, 1500)).toBe(14);
    expect(pump.read(0, list, 40, 1500)).toBe(24);
    expect(rings.submissions.map((each) => each.length)).toEqual([4, 9, 1, 24]);
  });

  test.each([
    [3, 60],
    [4, 8192],
  ])("of %p packets of %p octets no more are expected than calls are good for", (packets, octets) => {
    const { pump, rings, list } = pumpOf([]);
    pump.expectBurst(packets, octets);
    // There is no descriptor behind the port: a call finds that out, the rings would have found nothing.
    expect(() => pump.read(0, list, 0, 1500)).toThrow("found it deleted");
    expect(rings.submissions).toEqual([]);
  });

  test("closes the gap before a packet that came behind a read that found none, with its virtio header", () => {
    const { pump, list, octets } = pumpOf([[30, 31, -EAGAIN, 32, -EAGAIN, 33]], 10);
    pump.expectBurst(6);
    for (const [i, at] of list.at.entries()) octets.fill(i, at - 10, at + 50);
    expect(pump.read(0, list, 0, 1500)).toBe(4);
    expect([...list.lengths.subarray(0, 4)]).toEqual([20, 21, 22, 23]);
    const heads = [...list.at.subarray(0, 4)].map((at) => [octets[at - 10], octets[at + 10]]);
    expect(heads).toEqual([
      [0, 0],
      [1, 1],
      [3, 3],
      [5, 5],
    ]);
  });

  test("reads nothing into a place outside the memory", () => {
    const { pump, memory } = pumpOf([]);
    pump.expectBurst();
    const outside = { at: Uint32Array.of(0, 0, 0, memory.byteLength - 100), lengths: new Uint16Array(4) };
    expect(() => pump.read(0, outside, 0, 1500)).toThrow("found outside");
  });
});

describe("UringPump.write()", () => {
  test("gives back the packets behind the last one that found room", () => {
    const { pump, list } = pumpOf([[60, 60, -EAGAIN, -ENOBUFS]]);
    list.lengths.fill(60);
    expect(pump.write(0, list, 0, 4)).toBe(2);
    expect(pump.counters()).toEqual({ read: 0, written: 2, refused: {} });
  });

  test("counts a packet in the middle that found the queue full, so that later ones are not sent twice", () => {
    const { pump, list } = pumpOf([[60, -EAGAIN, 60, -EINVAL, -EAGAIN]]);
    list.lengths.fill(60);
    expect(pump.write(0, list, 0, 5)).toBe(4);
    expect(pump.counters()).toEqual({ read: 0, written: 2, refused: { EAGAIN: 1, EINVAL: 1 } });
  });

  test("sends more than one submission can take, in order, and stops where one stopped", () => {
    const all = Array.from({ length: 64 }, () => 60);
    const { pump, rings } = pumpOf([all, [60, -EAGAIN]]);
    const at = new Uint32Array(200).fill(0x400);
    expect(pump.write(0, { at, lengths: new Uint16Array(200).fill(60) }, 0, 200)).toBe(65);
    expect(rings.submissions.map((each) => each.length)).toEqual([64, 64]);
  });

  test("throws for a port that has gone", () => {
    const { pump, list } = pumpOf([[60, -EIO]]);
    expect(() => pump.write(0, list, 0, 4)).toThrow("writing to test0: expected an interface, found it deleted");
  });

  test.each([
    [3, 60],
    [4, 8192],
  ])("sends %p packets of %p octets by calls", (packets, octets) => {
    const { pump, rings, list } = pumpOf([]);
    list.lengths.fill(octets);
    expect(() => pump.write(0, list, 0, packets)).toThrow("found it deleted");
    expect(rings.submissions).toEqual([]);
  });
});

describe("UringPump.writeGroups()", () => {
  test("counts packets, not groups, and writes a group of one as a packet", () => {
    const full = [100, 100];
    const { pump, rings } = pumpOf([full, full], 10);
    expect(pump.writeGroups(0, mergerOf(3, 2), 2)).toBe(2);
    expect(pump.writeGroups(0, mergerOf(1, 2), 2)).toBe(2);
    expect(rings.submissions.map((each) => each.map(({ operation, bytes }) => [operation, bytes]))).toEqual([
      [
        [RING_WRITEV, 3],
        [RING_WRITEV, 3],
      ],
      [
        [RING_WRITE, 100],
        [RING_WRITE, 100],
      ],
    ]);
    expect(pump.counters()).toEqual({ read: 0, written: 8, refused: {} });
  });

  test("gives back groups that found no room, and counts those that the system refuses", () => {
    const { pump } = pumpOf([[100, -EIO + 0, -EAGAIN]], 10);
    expect(() => pump.writeGroups(0, mergerOf(2, 3), 3)).toThrow("found it deleted");
    const other = pumpOf([[100, -1, -EAGAIN]], 10).pump;
    expect(other.writeGroups(0, mergerOf(2, 3), 3)).toBe(2);
    expect(other.counters()).toEqual({ read: 0, written: 2, refused: { EPERM: 2 } });
  });

  test("takes a group apart that the system calls invalid; each of its packets is then written or refused", () => {
    const { pump } = pumpOf([[-EINVAL, 100]], 10);
    const merger = mergerOf(2, 2);
    // There is no descriptor behind the port, so that the single writes fail for another reason.
    expect(() => pump.writeGroups(0, merger, 2)).toThrow("found it deleted");
    expect(merger.loose).toEqual([0]);
  });

  test("refuses a port without a virtio header", () => {
    const { pump } = pumpOf([]);
    expect(() => pump.writeGroups(0, mergerOf(1, 1), 1)).toThrow("expected 10 octets of virtio header, found 0");
  });
});
