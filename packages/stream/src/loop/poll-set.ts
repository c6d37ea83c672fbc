// poll(2), WSAPoll: told once what there is, as epoll does it edge triggered. A descriptor is asked about what a call
// has found missing, and about nothing between that it was told and that call. One that has told of its end, and whom
// nobody asks anything, is left out: it would tell it for ever.
import { StreamError } from "../errors.ts";
import type { PollNumbers } from "../sockets/numbers.ts";
import type { PortableSockets, Want } from "../sockets/sockets.ts";
import { addressOf, EINTR, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from "../sys.ts";
import type { Happened, Multiplexer } from "./multiplexer.ts";

interface Entry {
  readonly fd: number;
  readonly generation: number;
  /** Of EPOLLIN and EPOLLOUT, what it is asked about. */
  wanted: number;
  hasEnded: boolean;
  /** Its place in the array; -1: it has none. */
  place: number;
}

const ENTRIES_AT_FIRST = 64;

export class PollSet implements Multiplexer {
  readonly descriptor = -1;
  readonly #entries = new Map<number, Entry>();
  /** Those with a place, in their order. */
  readonly #placed: Entry[] = [];
  /** `struct pollfd` behind each other. Written and read by Atomics alone, which the compiler leaves where they are. */
  #words: Int32Array;
  #at: number;
  readonly #numbers: PollNumbers;
  readonly #stride: number;
  readonly #stopListening: () => void;

  constructor(private readonly sockets: PortableSockets) {
    this.#numbers = sockets.polling;
    this.#stride = this.#numbers.entryBytes / 4;
    this.#words = this.#room(ENTRIES_AT_FIRST);
    this.#at = addressOf(this.#words);
    this.#stopListening = sockets.onDry((fd, want) => this.#want(fd, want));
  }

  add(fd: number, generation: number): number {
    this.remove(fd);
    const entry: Entry = { fd, generation, wanted: EPOLLIN | EPOLLOUT, hasEnded: false, place: -1 };
    this.#entries.set(fd, entry);
    this.#place(entry);
    return 0;
  }

  remove(fd: number): void {
    const entry = this.#entries.get(fd);
    if (entry === undefined) return;
    this.#entries.delete(fd);
    this.#displace(entry);
  }

  wait(timeoutMs: number, happened: Happened): void {
    const count = this.sockets.poll(this.#at, this.#placed.length, timeoutMs);
    if (count < 0) {
      const error = this.sockets.errno();
      if (error === EINTR) return;
      throw new StreamError("E_STREAM_SYSTEM", "poll could not wait", error);
    }
    // Whoever is told may add and remove: all is read before.
    for (const [entry, events] of this.#told(count)) {
      if (this.#entries.get(entry.fd) === entry) happened(events, entry.fd, entry.generation);
    }
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    this.#entries.clear();
    this.#placed.length = 0;
  }

  #told(count: number): readonly (readonly [Entry, number])[] {
    const told: (readonly [Entry, number])[] = [];
    for (let place = 0; place < this.#placed.length && told.length < count; place += 1) {
      const found = Atomics.load(this.#words, this.#eventsOf(place)) >>> 16;
      const entry = this.#placed[place];
      if (found !== 0 && entry !== undefined) told.push([entry, this.#eventsIn(found)]);
    }
    for (const [entry, events] of told) {
      entry.wanted &= ~events;
      if ((events & (EPOLLHUP | EPOLLERR)) !== 0) entry.hasEnded = true;
      this.#ask(entry);
    }
    return told;
  }

  /** A call has found nothing to read, or no room. */
  #want(fd: number, want: Want): void {
    const entry = this.#entries.get(fd);
    if (entry === undefined || (entry.wanted & want) !== 0) return;
    entry.wanted |= want;
    this.#ask(entry);
  }

  /** Brings the array in step with what is wanted. */
  #ask(entry: Entry): void {
    if (entry.wanted === 0 && entry.hasEnded) this.#displace(entry);
    else if (entry.place < 0) this.#place(entry);
    else Atomics.store(this.#words, this.#eventsOf(entry.place), this.#bitsOf(entry.wanted));
  }

  #place(entry: Entry): void {
    entry.place = this.#placed.length;
    this.#placed.push(entry);
    if (this.#placed.length * this.#stride > this.#words.length) this.#grow();
    else this.#write(entry);
  }

  /** The last one takes its place. */
  #displace(entry: Entry): void {
    if (entry.place < 0) return;
    const last = this.#placed.pop();
    if (last !== undefined && last !== entry) {
      last.place = entry.place;
      this.#placed[entry.place] = last;
      this.#write(last);
    }
    entry.place = -1;
  }

  #write({ fd, place, wanted }: Entry): void {
    Atomics.store(this.#words, place * this.#stride, fd);
    Atomics.store(this.#words, this.#eventsOf(place), this.#bitsOf(wanted));
  }

  #grow(): void {
    this.#words = this.#room(this.#placed.length * 2);
    this.#at = addressOf(this.#words);
    for (const entry of this.#placed) this.#write(entry);
  }

  #room(entries: number): Int32Array {
    return new Int32Array(new SharedArrayBuffer(entries * this.#numbers.entryBytes));
  }

  /** The word with `events` in its lower half and `revents` in its upper one. */
  #eventsOf(place: number): number {
    return place * this.#stride + (this.#stride === 2 ? 1 : 2);
  }

  #bitsOf(wanted: number): number {
    const { POLLIN, POLLOUT } = this.#numbers;
    return ((wanted & EPOLLIN) === 0 ? 0 : POLLIN) | ((wanted & EPOLLOUT) === 0 ? 0 : POLLOUT);
  }

  #eventsIn(bits: number): number {
    const { POLLIN, POLLOUT, POLLERR, POLLHUP } = this.#numbers;
    const known = POLLIN | POLLOUT | POLLHUP;
    return (
      ((bits & POLLIN) === 0 ? 0 : EPOLLIN) |
      ((bits & POLLOUT) === 0 ? 0 : EPOLLOUT) |
      ((bits & POLLHUP) === 0 ? 0 : EPOLLHUP) |
      // POLLNVAL too: a descriptor that is none has nothing more to say.
      ((bits & ~known) === 0 && (bits & POLLERR) === 0 ? 0 : EPOLLERR)
    );
  }
}
