// A thread that sleeps in read(2) of a device instead of poll(2), which spares it a system call for each packet, and
// how another thread ends that sleep.
//
// Only a packet or a signal ends such a read, and a signal that comes before the read ends nothing. So whoever wakes
// makes the descriptor non-blocking first and sends the signal then: a read that has not begun comes back at once, one
// that sleeps is interrupted.
//
//   | thread i32 | signal i32 | ended i32 |    thread: 0: none sleeps; -1: the device is closed
//
// The last word is for all threads that hold the device, whether they sleep so or not: once it is 1 the descriptors
// are closed or about to be, and their numbers may soon be those of something else.
import * as tun from "../sys.ts";
import { claimSignal, signalThread, threadId } from "./sys.ts";

const THREAD = 0;
const SIGNAL = 1;
const ENDED = 2;
const WORDS = 3;
const NOBODY = 0;
const CLOSED = -1;

/** One descriptor's sleeper, as each thread that holds the device sees it. */
export class Sleeper {
  readonly #words: Int32Array;
  #self = 0;

  /** @param shared the same in each thread; a new one is all zero */
  constructor(
    private readonly fd: number,
    readonly shared = new SharedArrayBuffer(WORDS * 4),
  ) {
    this.#words = new Int32Array(shared);
  }

  /** Whether this process has a signal for it. To be asked once, before `enter`. */
  prepare(): boolean {
    this.#self = threadId();
    const signal = claimSignal();
    if (signal > 0) Atomics.store(this.#words, SIGNAL, signal);
    return signal > 0;
  }

  /**
   * From now on reads of the calling thread sleep until a packet comes. False: another thread's do, or the device is
   * closed. A wake-up that came before must be looked for behind it.
   */
  enter(): boolean {
    if (Atomics.compareExchange(this.#words, THREAD, NOBODY, this.#self) !== NOBODY) return false;
    tun.setNonBlocking(this.fd, false);
    if (Atomics.load(this.#words, THREAD) === this.#self) return true;
    // Closed in between: whoever has the descriptor now got it non-blocking.
    tun.setNonBlocking(this.fd, true);
    return false;
  }

  /** Reads come back at once again. */
  leave(): void {
    if (Atomics.load(this.#words, THREAD) !== this.#self) return;
    tun.setNonBlocking(this.fd, true);
    Atomics.compareExchange(this.#words, THREAD, this.#self, NOBODY);
  }

  /** Tells all threads that the descriptors are theirs no more; to be called before they are closed. */
  announceEnd(): void {
    Atomics.store(this.#words, ENDED, 1);
  }

  /** Whether somebody has announced the end. */
  get hasEnded(): boolean {
    return Atomics.load(this.#words, ENDED) === 1;
  }

  /** Ends the sleep that is under way, if one is; from any thread. */
  wake(): void {
    this.#end(Atomics.load(this.#words, THREAD));
  }

  /** The same for good. */
  close(): void {
    this.#end(Atomics.exchange(this.#words, THREAD, CLOSED));
  }

  #end(thread: number): void {
    if (thread <= NOBODY) return;
    tun.setNonBlocking(this.fd, true);
    signalThread(thread, Atomics.load(this.#words, SIGNAL));
  }
}
