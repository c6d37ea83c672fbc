// A bounded queue of packets in shared memory, for one writer and one reader, which may be different threads.
//
//   | event | woken | closed | head | tail | room | 0 … | records …          words i32, records from RECORDS_AT on
//   record: | octets u32 | the octets | padding to four |                     may wrap around the end
//
// Head and tail count octets and wrap at 2^32; the data's size is a power of two, so their low bits are the place.

const EVENT = 0;
const WOKEN = 1;
const CLOSED = 2;
const HEAD = 3;
const TAIL = 4;
const ROOM = 5;
const RECORDS_AT = 64;
const LENGTH_BYTES = 4;

/** A bounded queue of packets in shared memory, for one writer and one reader at a time, in any two threads. */
export class PacketRing {
  readonly #words: Int32Array;
  readonly #octets: Uint8Array;
  readonly #mask: number;

  constructor(readonly shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared, 0, RECORDS_AT / 4);
    this.#octets = new Uint8Array(shared, RECORDS_AT);
    this.#mask = this.#octets.length - 1;
  }

  /** An empty one. @param bytes room for records; rounded up to a power of two */
  static create(bytes: number): PacketRing {
    return new PacketRing(new SharedArrayBuffer(RECORDS_AT + 2 ** Math.ceil(Math.log2(Math.max(bytes, 64)))));
  }

  /** Puts one packet in and tells the reader; false: there is no room, or the reader has closed. */
  push(packet: Uint8Array): boolean {
    const head = Atomics.load(this.#words, HEAD);
    const used = (head - Atomics.load(this.#words, TAIL)) >>> 0;
    const record = LENGTH_BYTES + ((packet.length + 3) & ~3);
    if (this.closed || used + record > this.#octets.length) return false;
    const length = Uint8Array.of(packet.length, packet.length >> 8, packet.length >> 16, 0);
    this.#copyIn(head, length);
    this.#copyIn(head + LENGTH_BYTES, packet);
    Atomics.store(this.#words, HEAD, (head + record) | 0);
    this.#bump(EVENT);
    return true;
  }

  /**
   * Takes the next packet out: copies at most `room` octets of it to `target[at…]`; what is longer is cut. Gives how
   * many it copied; -1: the queue is empty.
   */
  pop(target: Uint8Array, at: number, room: number): number {
    const tail = Atomics.load(this.#words, TAIL);
    if (tail === Atomics.load(this.#words, HEAD)) return -1;
    const bytes = this.#lengthAt(tail);
    const copied = Math.min(bytes, room);
    this.#copyOut(tail + LENGTH_BYTES, target, at, copied);
    Atomics.store(this.#words, TAIL, (tail + LENGTH_BYTES + ((bytes + 3) & ~3)) | 0);
    this.#bump(ROOM);
    return copied;
  }

  /** Octets of the next packet; -1: the queue is empty. */
  peek(): number {
    const tail = Atomics.load(this.#words, TAIL);
    return tail === Atomics.load(this.#words, HEAD) ? -1 : this.#lengthAt(tail);
  }

  /** Changes whenever the reader should look again; read it, look, then wait for it to change. */
  get event(): number {
    return Atomics.load(this.#words, EVENT);
  }

  /** Blocks until the event is no longer `seen`. */
  awaitEvent(seen: number, timeoutMs: number): void {
    Atomics.wait(this.#words, EVENT, seen, timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs);
  }

  /** Resolves when the event is no longer `seen`, or the signal is aborted. */
  whenEvent(seen: number, signal?: AbortSignal): Promise<void> {
    return this.#whenNot(EVENT, seen, signal);
  }

  /** Changes whenever there is more room than before, or the reader has closed. */
  get roomEvent(): number {
    return Atomics.load(this.#words, ROOM);
  }

  /** Resolves when the room event is no longer `seen`, or the signal is aborted. */
  whenRoom(seen: number, signal?: AbortSignal): Promise<void> {
    return this.#whenNot(ROOM, seen, signal);
  }

  /** Ends the waits for room: the writer has left. */
  endRoomWaits(): void {
    this.#bump(ROOM);
  }

  /** Makes the reader look, whether there is a packet or not. */
  wake(): void {
    Atomics.store(this.#words, WOKEN, 1);
    this.#bump(EVENT);
  }

  /** True once after `wake`. */
  takeWoken(): boolean {
    return Atomics.exchange(this.#words, WOKEN, 0) === 1;
  }

  get closed(): boolean {
    return Atomics.load(this.#words, CLOSED) === 1;
  }

  /** The reader has left: nothing more is taken in. */
  close(): void {
    Atomics.store(this.#words, CLOSED, 1);
    this.#bump(EVENT);
    this.#bump(ROOM);
  }

  #bump(word: number): void {
    Atomics.add(this.#words, word, 1);
    Atomics.notify(this.#words, word);
  }

  async #whenNot(word: number, seen: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return;
    const waiting = Atomics.waitAsync(this.#words, word, seen);
    if (!waiting.async) return;
    // A wait cannot be taken back; an event that says nothing ends it.
    const end = () => this.#bump(word);
    signal?.addEventListener("abort", end);
    await waiting.value;
    signal?.removeEventListener("abort", end);
  }

  #lengthAt(position: number): number {
    const octet = (i: number) => this.#octets[(position + i) & this.#mask] ?? 0;
    return octet(0) | (octet(1) << 8) | (octet(2) << 16);
  }

  #copyIn(position: number, source: Uint8Array): void {
    const at = position & this.#mask;
    const first = Math.min(source.length, this.#octets.length - at);
    this.#octets.set(source.subarray(0, first), at);
    this.#octets.set(source.subarray(first), 0);
  }

  #copyOut(position: number, target: Uint8Array, targetAt: number, bytes: number): void {
    const at = position & this.#mask;
    const first = Math.min(bytes, this.#octets.length - at);
    target.set(this.#octets.subarray(at, at + first), targetAt);
    target.set(this.#octets.subarray(0, bytes - first), targetAt + first);
  }
}
