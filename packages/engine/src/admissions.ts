// What the host answers about SYNs that a lane holds, on its way from the host's thread to the lane's.
import {
  ADMISSION_BITS,
  ADMISSIONS_MAX,
  LANE_ADMISSIONS,
  LANE_BYTES,
  LANE_WORDS,
  LANES_BASE,
  WORD_ADMISSIONS_READ,
  WORD_ADMISSIONS_WRITTEN,
} from "@bunnel/abi";

const WRITTEN = WORD_ADMISSIONS_WRITTEN / 4;
const READ = WORD_ADMISSIONS_READ / 4;
const ADMISSION_MASK = (1 << ADMISSION_BITS) - 1;

/** One answer: see `Lane.admit`. */
export interface GivenAdmission {
  readonly translation: number;
  readonly admission: number;
}

/** One thread gives, one takes; neither waits. */
export class AdmissionQueue {
  readonly #words: Uint32Array;
  readonly #places: Uint32Array;

  constructor(memory: SharedArrayBuffer, lane: number) {
    const base = LANES_BASE + lane * LANE_BYTES;
    this.#words = new Uint32Array(memory, base + LANE_WORDS, 16);
    this.#places = new Uint32Array(memory, base + LANE_ADMISSIONS, ADMISSIONS_MAX);
  }

  /** Whether something waits to be taken. */
  get isEmpty(): boolean {
    return Atomics.load(this.#words, WRITTEN) === Atomics.load(this.#words, READ);
  }

  /** False: it is full. The lane's thread is to be woken afterwards. */
  give({ translation, admission }: GivenAdmission): boolean {
    const written = Atomics.load(this.#words, WRITTEN);
    if ((written - Atomics.load(this.#words, READ)) >>> 0 >= ADMISSIONS_MAX) return false;
    Atomics.store(this.#places, written % ADMISSIONS_MAX, (translation << ADMISSION_BITS) | admission);
    Atomics.store(this.#words, WRITTEN, (written + 1) >>> 0);
    return true;
  }

  /** The one that was given first; undefined: there is none. */
  take(): GivenAdmission | undefined {
    if (this.isEmpty) return undefined;
    const read = Atomics.load(this.#words, READ);
    const word = Atomics.load(this.#places, read % ADMISSIONS_MAX);
    Atomics.store(this.#words, READ, (read + 1) >>> 0);
    return { translation: word >>> ADMISSION_BITS, admission: word & ADMISSION_MASK };
  }
}
