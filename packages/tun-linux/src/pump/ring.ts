// io_uring(7) with its rings inside our own memory: the kernel reads submissions from it and writes completions to it,
// and nothing is mapped. Sources: linux/io_uring.h, io_uring_setup(2), io_uring_enter(2).
//
//   region:  | params 4 KiB | submission entries 16 KiB | rings: heads, tails, completions … |
//
// Every operation here carries RWF_NOWAIT, so that it ends inside the call that submits it, in the order of submission.
// (A descriptor's O_NONBLOCK is not enough: where a file can do without waiting, io_uring would wait for it.)
// Files are not registered with the rings: that would save 3 % and keep an interface alive as long as the rings, when
// its owner has closed it long ago.
import { systemError } from "../errors.ts";
import { EINTR, EINTR_RETRIES_MAX } from "../sys.ts";
import * as sys from "./sys.ts";

/** Operations of one call. Both rings then lie within one page each, as kernels before 6.10 want them. */
export const RING_ENTRIES = 64;
export const RING_REGION_BYTES = 0x9000;
/** A page of the kernel's. */
export const RING_ALIGNMENT_BYTES = 4096;
const ENTRIES_AT = 0x1000;
const RINGS_AT = 0x5000;

// struct io_uring_params, in words of four octets
const PARAM_SQ_ENTRIES = 0;
const PARAM_CQ_ENTRIES = 1;
const PARAM_FLAGS = 2;
const PARAM_SQ_HEAD = 10;
const PARAM_SQ_TAIL = 11;
const PARAM_SQ_ADDRESS = 18;
const PARAM_CQ_HEAD = 20;
const PARAM_CQ_TAIL = 21;
const PARAM_CQ_ENTRIES_AT = 25;
const PARAM_CQ_ADDRESS = 28;

const SETUP_SINGLE_ISSUER = 1 << 12;
const SETUP_DEFER_TASKRUN = 1 << 13;
const SETUP_NO_MMAP = 1 << 14;
const SETUP_NO_SQARRAY = 1 << 16;
const SETUP = SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN | SETUP_NO_MMAP | SETUP_NO_SQARRAY;
const ENTER_GETEVENTS = 1;

// struct io_uring_sqe, in words of four octets
const SQE_WORDS = 16;
const SQE_FD = 1;
const SQE_OFFSET_LOW = 2;
const SQE_OFFSET_HIGH = 3;
const SQE_ADDRESS_LOW = 4;
const SQE_ADDRESS_HIGH = 5;
const SQE_BYTES = 6;
const SQE_RW_FLAGS = 7;
const SQE_USER_DATA = 8;
const RWF_NOWAIT = 8;

// struct io_uring_cqe, in words of four octets
const CQE_WORDS = 4;
const CQE_RESULT = 2;

/** Operation codes, as the first word of an entry. */
export const RING_WRITEV = 2;
export const RING_READ = 22;
export const RING_WRITE = 23;

const HIGH = 0x1_0000_0000;

/** Operations that end inside the call that submits them. */
export interface Submissions {
  /** What became of each operation of the last `submit`, in order: as a system call's result, or minus the errno. */
  readonly results: Int32Array;
  /**
   * Adds an operation; at most RING_ENTRIES before the next `submit`.
   * @param at where it reads or writes, in the rings' memory
   * @param bytes iovecs for RING_WRITEV
   */
  put(operation: number, fd: number, at: number, bytes: number): void;
  /**
   * Submits what was put and waits until all of it has ended; `results` has what became of each.
   * @throws DeviceError E_DEVICE_SYSTEM when the kernel does not take part
   */
  submit(): void;
  close(): void;
}

export class Ring implements Submissions {
  readonly results = new Int32Array(RING_ENTRIES);
  readonly #words: Int32Array;
  readonly #enter = sys.enterCall();
  readonly #entriesWord: number;
  readonly #sqTailWord: number;
  readonly #cqHeadWord: number;
  readonly #cqTailWord: number;
  readonly #cqesWord: number;
  readonly #cqMask: number;
  /** The memory's address, as halves: an address does not fit into 32 bits, and a double is slow to take apart. */
  readonly #baseLow: number;
  readonly #baseHigh: number;
  #tail = 0;
  #submitted = 0;

  private constructor(
    readonly fd: number,
    words: Int32Array,
    base: number,
    at: number,
  ) {
    const ringsWord = (at + RINGS_AT) / 4;
    const param = (index: number): number => words[at / 4 + index] ?? 0;
    this.#words = words;
    this.#baseLow = base >>> 0;
    this.#baseHigh = Math.floor(base / HIGH);
    this.#entriesWord = (at + ENTRIES_AT) / 4;
    this.#sqTailWord = ringsWord + param(PARAM_SQ_TAIL) / 4;
    this.#cqHeadWord = ringsWord + param(PARAM_CQ_HEAD) / 4;
    this.#cqTailWord = ringsWord + param(PARAM_CQ_TAIL) / 4;
    this.#cqesWord = ringsWord + param(PARAM_CQ_ENTRIES_AT) / 4;
    this.#cqMask = param(PARAM_CQ_ENTRIES) - 1;
    this.#tail = words[ringsWord + param(PARAM_SQ_HEAD) / 4] ?? 0;
    this.#submitted = this.#tail;
    for (let entry = 0; entry < RING_ENTRIES; entry++) {
      const word = this.#entriesWord + entry * SQE_WORDS;
      words.fill(0, word, word + SQE_WORDS);
      // "At the file's position": what is no file of octets knows no other.
      words[word + SQE_OFFSET_LOW] = -1;
      words[word + SQE_OFFSET_HIGH] = -1;
      words[word + SQE_RW_FLAGS] = RWF_NOWAIT;
      words[word + SQE_USER_DATA] = entry;
    }
  }

  /**
   * Opens rings in `memory` from `at` on, for the calling thread alone. A number is the errno of the call that failed:
   * there is no io_uring here, or not of this kind.
   * @param base the memory's address
   */
  static open(memory: SharedArrayBuffer, base: number, at: number): Ring | number {
    if ((base + at) % RING_ALIGNMENT_BYTES !== 0) throw new RangeError(`rings at ${at}: expected the start of a page`);
    const words = new Int32Array(memory);
    const first = at / 4;
    words.fill(0, first, first + RING_REGION_BYTES / 4);
    words[first + PARAM_FLAGS] = SETUP;
    setAddress(words, first + PARAM_SQ_ADDRESS, base + at + ENTRIES_AT);
    setAddress(words, first + PARAM_CQ_ADDRESS, base + at + RINGS_AT);
    const fd = sys.setUpRings(RING_ENTRIES, base + at);
    if (fd < 0) return sys.errno();
    if (words[first + PARAM_SQ_ENTRIES] !== RING_ENTRIES)
      throw new Error("io_uring: expected as many entries as asked");
    return new Ring(fd, words, base, at);
  }

  put(operation: number, fd: number, at: number, bytes: number): void {
    const words = this.#words;
    const low = (this.#baseLow + at) >>> 0;
    const word = this.#entriesWord + (this.#tail++ & (RING_ENTRIES - 1)) * SQE_WORDS;
    words[word] = operation;
    words[word + SQE_FD] = fd;
    words[word + SQE_ADDRESS_LOW] = low;
    words[word + SQE_ADDRESS_HIGH] = low < this.#baseLow ? this.#baseHigh + 1 : this.#baseHigh;
    words[word + SQE_BYTES] = bytes;
  }

  submit(): void {
    const start = this.#submitted;
    const count = this.#tail - start;
    Atomics.store(this.#words, this.#sqTailWord, this.#tail);
    let interrupted = 0;
    for (let ended = 0; ended < count;) {
      const entered = this.#enter(this.fd, this.#tail - this.#submitted, count - ended, ENTER_GETEVENTS);
      if (entered >= 0) this.#submitted += entered;
      else if (sys.errno() !== EINTR || interrupted++ >= EINTR_RETRIES_MAX) throw systemError("io_uring", sys.errno());
      ended += this.#reap(start);
    }
  }

  /** Takes completions; returns how many came. */
  #reap(start: number): number {
    const words = this.#words;
    const head = words[this.#cqHeadWord] ?? 0;
    const count = (Atomics.load(words, this.#cqTailWord) - head) | 0;
    for (let i = 0; i < count; i++) {
      const word = this.#cqesWord + ((head + i) & this.#cqMask) * CQE_WORDS;
      this.results[((words[word] ?? 0) - start) & (RING_ENTRIES - 1)] = words[word + CQE_RESULT] ?? 0;
    }
    Atomics.store(words, this.#cqHeadWord, (head + count) | 0);
    return count;
  }

  close(): void {
    sys.closeFd(this.fd);
    const words = this.#words;
    leaving.add(words);
    setTimeout(() => leaving.delete(words), LEAVING_MS).unref();
  }
}

/**
 * Memory of rings that were closed. The system takes them down in its own time and writes into them until then: memory
 * that is freed earlier and used for something else would be spoilt.
 */
const leaving = new Set<Int32Array>();
const LEAVING_MS = 5_000;

function setAddress(words: Int32Array, word: number, address: number): void {
  words[word] = address;
  words[word + 1] = address / HIGH;
}
