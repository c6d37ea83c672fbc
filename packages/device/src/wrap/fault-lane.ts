// What can happen to packets of one direction on a bad way, decided packet by packet.
import type { Random } from "./random.ts";

/** Each a probability, 0 to 1, for one packet. Default 0. */
export interface FaultRates {
  /** It does not arrive. */
  readonly loss?: number;
  /** It arrives twice. */
  readonly duplication?: number;
  /** It arrives behind one to four packets that were sent after it. */
  readonly reorder?: number;
  /** One of its bits is turned. */
  readonly corruption?: number;
}

/** Packets of one direction to which something happened, so far. */
export interface FaultCounts {
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly corrupted: number;
}

const REORDER_PACKETS_MAX = 4;
/** Packets that are late at a time; beyond it none is held back. */
const LATE_MAX = 64;

interface Late {
  readonly packet: Uint8Array;
  /** Packets that are still to pass it. */
  before: number;
}

export class FaultLane {
  readonly #counts = { lost: 0, duplicated: 0, reordered: 0, corrupted: 0 };
  #late: Late[] = [];

  /** @param headerBytes octets at the head of each packet that are left as they are */
  constructor(
    private readonly rates: FaultRates,
    private readonly random: Random,
    private readonly headerBytes: number,
  ) {}

  get counts(): FaultCounts {
    return { ...this.#counts };
  }

  /** Packets are held back. */
  get hasLate(): boolean {
    return this.#late.length > 0;
  }

  /** What arrives when this packet is sent, in order; nothing but the packet itself where nothing happens to it. */
  pass(packet: Uint8Array): Uint8Array[] {
    const due = this.#due();
    if (this.#happens("loss")) {
      this.#counts.lost++;
      return due;
    }
    const arriving = this.#happens("corruption") ? this.#corrupted(packet) : packet;
    if (this.#late.length < LATE_MAX && this.#happens("reorder")) {
      this.#counts.reordered++;
      this.#late.push({ packet: arriving, before: 1 + this.random.below(REORDER_PACKETS_MAX) });
      return due;
    }
    if (!this.#happens("duplication")) return [arriving, ...due];
    this.#counts.duplicated++;
    return [arriving, arriving, ...due];
  }

  /** Everything that is held back, to go now because nothing else comes. */
  flush(): Uint8Array[] {
    const late = this.#late;
    this.#late = [];
    return late.map(({ packet }) => packet);
  }

  #happens(fault: keyof FaultRates): boolean {
    return this.random.chance(this.rates[fault] ?? 0);
  }

  #due(): Uint8Array[] {
    for (const late of this.#late) late.before--;
    const due = this.#late.filter(({ before }) => before <= 0);
    if (due.length > 0) this.#late = this.#late.filter(({ before }) => before > 0);
    return due.map(({ packet }) => packet);
  }

  #corrupted(packet: Uint8Array): Uint8Array {
    const bits = (packet.length - this.headerBytes) * 8;
    if (bits <= 0) return packet;
    this.#counts.corrupted++;
    const copy = packet.slice();
    const bit = this.random.below(bits);
    const at = this.headerBytes + (bit >> 3);
    copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
    return copy;
  }
}
