// Packets that a strategy sends later: copies in slots of the lane's queue region, each with the time it is due.
import { PACKET_MAX_BYTES } from "@bunnel/abi";
import type { PacketList } from "@bunnel/device";

const HEADROOM_BYTES = 16;
/** Slots for plain packets; what is longer than one leaves at once. */
const SLOT_BYTES = 2048;

export interface DuePacket {
  readonly list: PacketList;
  /** Index in the list. */
  readonly slot: number;
}

export class Delayed {
  readonly #list: PacketList;
  readonly #octets: Uint8Array;
  readonly #free: number[] = [];
  /** In the order of their times; those of one time in the order in which they came. */
  readonly #waiting: { readonly slot: number; readonly dueMs: number }[] = [];

  /** @param region where copies lie: octets `at` up to `at + bytes` of the memory */
  constructor(memory: SharedArrayBuffer, region: { readonly at: number; readonly bytes: number }) {
    const slots = Math.floor(region.bytes / SLOT_BYTES);
    this.#octets = new Uint8Array(memory);
    this.#list = { at: new Uint32Array(slots), lengths: new Uint16Array(slots) };
    for (let i = 0; i < slots; i++) {
      this.#list.at[i] = region.at + i * SLOT_BYTES + HEADROOM_BYTES;
      this.#free.push(slots - 1 - i);
    }
  }

  get count(): number {
    return this.#waiting.length;
  }

  /**
   * Keeps a copy of packet `i` until `dueMs`, a time of the host's clock modulo 2^32. With no slot left, or a packet
   * that
   * fits none, it is due at once.
   */
  add(packets: PacketList, i: number, dueMs: number): boolean {
    const bytes = packets.lengths[i] ?? PACKET_MAX_BYTES;
    const slot = bytes + HEADROOM_BYTES <= SLOT_BYTES ? this.#free.pop() : undefined;
    if (slot === undefined) return false;
    const from = packets.at[i] ?? 0;
    const at = this.#list.at[slot] ?? 0;
    this.#octets.copyWithin(at - HEADROOM_BYTES, from - HEADROOM_BYTES, from + bytes);
    this.#list.lengths[slot] = bytes;
    let place = this.#waiting.length;
    while (place > 0 && isAfter(this.#waiting[place - 1]?.dueMs ?? 0, dueMs)) place--;
    this.#waiting.splice(place, 0, { slot, dueMs: dueMs >>> 0 });
    return true;
  }

  /** Milliseconds until the first packet is due; at least 0. Only while there is one. */
  dueInMs(nowMs: number): number {
    const first = this.#waiting[0];
    return first ? Math.max(0, (first.dueMs - nowMs) | 0) : 0;
  }

  /** Takes out the packets that are due, in order. Their slots are the caller's until `free`. */
  due(nowMs: number): DuePacket[] {
    let n = 0;
    while (n < this.#waiting.length && !isAfter(this.#waiting[n]?.dueMs ?? 0, nowMs)) n++;
    return this.#waiting.splice(0, n).map(({ slot }) => ({ list: this.#list, slot }));
  }

  free(slot: number): void {
    this.#free.push(slot);
  }
}

function isAfter(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}
