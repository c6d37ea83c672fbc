// Host names by address, written by the host where the engine looks them up: see NAME_TURN of @bunnel/abi.
import {
  CONTROL_BASE,
  CONTROL_NAMES,
  HOST_MAX_BYTES,
  NAME_ADDRESS,
  NAME_BUCKETS,
  NAME_BYTES,
  NAME_HASH_MULTIPLIER,
  NAME_HASH_OFFSET,
  NAME_LENGTH,
  NAME_TEXT,
  NAME_TURN,
  NAME_UNTIL,
  NAME_WAYS,
  NAMES_BASE,
  NAMES_BYTES,
} from "@bunnel/abi";

/** Half of what the clock counts: a name that holds longer would seem to be over. */
const SECONDS_MAX = 1_000_000;

/** The table of names. One thread writes it. */
export class LearnedNames {
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  readonly #turns: Int32Array;
  readonly #control: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#octets = new Uint8Array(memory, NAMES_BASE, NAMES_BYTES);
    this.#view = new DataView(memory, NAMES_BASE, NAMES_BYTES);
    this.#turns = new Int32Array(memory, NAMES_BASE, NAMES_BYTES / 4);
    this.#control = new Int32Array(memory, CONTROL_BASE, 16);
  }

  /**
   * The address bears this name for so many seconds. Of a bucket that is full, the name goes that would be over first.
   * @param address 4 or 16 octets
   */
  learn(address: Uint8Array, name: string, seconds: number, nowMs: number): void {
    const text = new TextEncoder().encode(name.toLowerCase());
    if (text.length === 0 || text.length > HOST_MAX_BYTES) return;
    const key = keyOf(address);
    const place = this.#placeFor(key, nowMs);
    const turn = place / 4 + NAME_TURN / 4;
    Atomics.add(this.#turns, turn, 1);
    this.#octets.set(key, place + NAME_ADDRESS);
    this.#octets.set(text, place + NAME_TEXT);
    this.#view.setUint16(place + NAME_LENGTH, text.length, true);
    this.#view.setUint32(place + NAME_UNTIL, (nowMs + Math.min(seconds, SECONDS_MAX) * 1000) >>> 0, true);
    Atomics.add(this.#turns, turn, 1);
    Atomics.store(this.#control, CONTROL_NAMES / 4, 1);
  }

  /** Forgets all. */
  clear(): void {
    if (Atomics.exchange(this.#control, CONTROL_NAMES / 4, 0) === 0) return;
    this.#octets.fill(0);
  }

  /** The address's own place, else one that is free or over, else the one that is over first. */
  #placeFor(key: Uint8Array, nowMs: number): number {
    const first = bucketOf(key) * NAME_WAYS * NAME_BYTES;
    let best = first;
    let bestLeftMs = Infinity;
    for (let way = 0; way < NAME_WAYS; way++) {
      const place = first + way * NAME_BYTES;
      const isFree = this.#view.getUint16(place + NAME_LENGTH, true) === 0;
      if (!isFree && key.every((octet, i) => this.#octets[place + NAME_ADDRESS + i] === octet)) return place;
      // Distances on the clock's circle, which may be below zero.
      const leftMs = isFree ? -Infinity : (this.#view.getUint32(place + NAME_UNTIL, true) - nowMs) | 0;
      if (leftMs >= bestLeftMs) continue;
      best = place;
      bestLeftMs = leftMs;
    }
    return best;
  }
}

/** Sixteen octets, IPv4 as ::ffff:a.b.c.d. */
function keyOf(address: Uint8Array): Uint8Array {
  if (address.length === 16) return address;
  if (address.length !== 4) throw new RangeError(`address: expected 4 or 16 octets, found ${address.length}`);
  const key = new Uint8Array(16);
  key.fill(0xff, 10, 12);
  key.set(address, 12);
  return key;
}

function bucketOf(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  let hash = NAME_HASH_OFFSET;
  for (let at = 0; at < 16; at += 4) {
    hash = Math.imul(hash ^ view.getUint32(at, true), NAME_HASH_MULTIPLIER);
    hash ^= hash >>> 15;
  }
  return hash & (NAME_BUCKETS - 1);
}
