// The messages that a relay has treated, told to the other thread in memory that both see: before the first octet of
// one leaves, it stands there. One writes, one reads; what finds no room is not told.
//
//   | written u32 | read u32 | places: octets u32, JSON … |
import type { RelayMessage } from "../relay-options.ts";

const WRITTEN = 0;
const READ = 1;
const HEAD_BYTES = 8;
/** Two addresses, a host name of 253 octets, and the words around them. */
const PLACE_BYTES = 512;
const LENGTH_BYTES = 4;
/** With a look five times a second: 1280 connections a second. */
export const PLACES = 256;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class ToldMessages {
  readonly #counts: Uint32Array;
  readonly #octets: Uint8Array;
  readonly #view: DataView;

  constructor(readonly memory = new SharedArrayBuffer(HEAD_BYTES + PLACES * PLACE_BYTES)) {
    this.#counts = new Uint32Array(memory, 0, HEAD_BYTES / 4);
    this.#octets = new Uint8Array(memory);
    this.#view = new DataView(memory);
  }

  /** Whether there is room for another. */
  get hasRoom(): boolean {
    return this.#waiting < PLACES;
  }

  /** False: it found no room. */
  write(message: Omit<RelayMessage, "number">): boolean {
    const written = Atomics.load(this.#counts, WRITTEN);
    const text = encoder.encode(JSON.stringify({ number: written, ...message }));
    if (!this.hasRoom || text.length > PLACE_BYTES - LENGTH_BYTES) return false;
    const at = placeAt(written);
    this.#view.setUint32(at, text.length);
    this.#octets.set(text, at + LENGTH_BYTES);
    Atomics.store(this.#counts, WRITTEN, written + 1);
    return true;
  }

  /** All that wait, in the order in which they were written. */
  take(): RelayMessage[] {
    const messages: RelayMessage[] = [];
    for (let count = this.#waiting; count > 0; count--) {
      const read = Atomics.load(this.#counts, READ);
      const at = placeAt(read);
      // A copy of its own: the other thread may write there as soon as it was read.
      const text = this.#octets.slice(at + LENGTH_BYTES, at + LENGTH_BYTES + this.#view.getUint32(at));
      messages.push(JSON.parse(decoder.decode(text)) as RelayMessage);
      Atomics.store(this.#counts, READ, read + 1);
    }
    return messages;
  }

  get #waiting(): number {
    return (Atomics.load(this.#counts, WRITTEN) - Atomics.load(this.#counts, READ)) >>> 0;
  }
}

function placeAt(number: number): number {
  return HEAD_BYTES + (number % PLACES) * PLACE_BYTES;
}
