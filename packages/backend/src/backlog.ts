// Packets that wait because the way out is full. They lie in the lane's queue region, in order; when the last one left,
// all room is free again. What finds no room is dropped, and the caller counts it.
import type { PacketList } from "@bunnel/device";
import type { Egress } from "@bunnel/egress";

const HEADROOM_BYTES = 16;
const CELL_BYTES = 64;

export class Backlog {
  readonly #list: PacketList;
  readonly #octets: Uint8Array;
  #head = 0;
  #tail = 0;
  #used = 0;

  /** @param region where copies lie: octets `at` up to `at + bytes` of the memory */
  constructor(
    memory: SharedArrayBuffer,
    readonly region: { readonly at: number; readonly bytes: number },
    readonly maxPackets: number,
  ) {
    this.#octets = new Uint8Array(memory);
    this.#list = { at: new Uint32Array(maxPackets), lengths: new Uint16Array(maxPackets) };
  }

  get count(): number {
    return this.#tail - this.#head;
  }

  /** Copies packets `from` up to `to` behind those that wait; returns how many found no room. */
  push(packets: PacketList, from: number, to: number): number {
    for (let i = from; i < to; i++) {
      if (!this.#add(packets.at[i] ?? 0, packets.lengths[i] ?? 0)) return to - i;
    }
    return 0;
  }

  #add(at: number, bytes: number): boolean {
    const cells = Math.ceil((HEADROOM_BYTES + bytes) / CELL_BYTES) * CELL_BYTES;
    if (this.#tail >= this.maxPackets || this.#used + cells > this.region.bytes) return false;
    const copyAt = this.region.at + this.#used + HEADROOM_BYTES;
    // The virtio header before the packet goes with it.
    this.#octets.copyWithin(copyAt - HEADROOM_BYTES, at - HEADROOM_BYTES, at + bytes);
    this.#list.at[this.#tail] = copyAt;
    this.#list.lengths[this.#tail] = bytes;
    this.#tail++;
    this.#used += cells;
    return true;
  }

  /** Sends what waits, as far as the way out takes it; returns how many it took. */
  flush(egress: Egress): number {
    if (this.#head === this.#tail) return 0;
    const taken = egress.send(this.#list, this.#head, this.#tail);
    this.skip(taken);
    return taken;
  }

  /** Forgets the first that wait. */
  skip(count: number): void {
    this.#head += count;
    if (this.#head < this.#tail) return;
    this.#head = 0;
    this.#tail = 0;
    this.#used = 0;
  }
}
