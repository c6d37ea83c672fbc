// Packets of a tap as copies.
import type { InboundTap } from "@bunnel/device";

const SLOT_BYTES = 2048;
const SLOTS = 64;

/** Reads a tap that listens, or will. */
export class TapReader {
  readonly #memory = new SharedArrayBuffer(SLOTS * SLOT_BYTES);
  readonly #list = {
    at: Uint32Array.from({ length: SLOTS }, (_, slot) => slot * SLOT_BYTES),
    lengths: new Uint16Array(SLOTS),
  };

  constructor(readonly tap: InboundTap) {
    tap.attach(this.#memory);
  }

  /** What arrived since the last call, so many at most; the rest waits for the next. */
  read(most: number): Uint8Array[] {
    const packets: Uint8Array[] = [];
    while (packets.length < most) {
      const came = this.tap.read(this.#list, 0, SLOT_BYTES);
      for (let slot = 0; slot < came; slot++) packets.push(this.#copy(slot, this.#list.lengths[slot] ?? 0));
      if (came < SLOTS) break;
    }
    return packets;
  }

  /** A view of its own each time: what the system wrote behind our back is then read anew. */
  #copy(slot: number, bytes: number): Uint8Array {
    return new Uint8Array(new Uint8Array(this.#memory, slot * SLOT_BYTES, bytes));
  }
}
