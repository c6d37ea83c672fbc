// Memory for pumps: slots for packets, and a range for rings from a page on.
import type { PacketList } from "@bunnel/device";
import { addressOf } from "@bunnel/ffi";

const PAGE_BYTES = 4096;
const RING_BYTES = 0x10000;
export const SLOT_BYTES = 2048;
const HEADROOM_BYTES = 128;

export interface PumpMemory {
  readonly memory: SharedArrayBuffer;
  readonly octets: Uint8Array;
  readonly rings: { readonly at: number; readonly bytes: number };
  /** A list of so many slots; every call gives others. */
  list(slots: number): PacketList;
}

/** The system lets go of rings a while after they were closed, and writes into them until then: none is freed. */
const kept: SharedArrayBuffer[] = [];

export function pumpMemory(slots: number): PumpMemory {
  const memory = new SharedArrayBuffer(2 * PAGE_BYTES + RING_BYTES + slots * SLOT_BYTES);
  kept.push(memory);
  const ringsAt = PAGE_BYTES - (addressOf(memory) % PAGE_BYTES);
  let next = ringsAt + RING_BYTES;
  return {
    memory,
    octets: new Uint8Array(memory),
    rings: { at: ringsAt, bytes: RING_BYTES },
    list(count) {
      const at = Uint32Array.from({ length: count }, (_, i) => next + i * SLOT_BYTES + HEADROOM_BYTES);
      next += count * SLOT_BYTES;
      if (next > memory.byteLength) throw new RangeError(`slots: expected at most ${slots}, found more`);
      return { at, lengths: new Uint16Array(count) };
    },
  };
}
