// What the threads that hold one device know of each other. Nobody may end a session, or take away memory that Windows
// writes to, while another thread is inside a call.
//
//   | closed i32 | threads inside a call i32 | address of the held packet f64 | its octets u32 |

const CLOSED = 0;
const INSIDE = 1;
const HELD_AT = 8;
const HELD_OCTETS_AT = 16;
const STATE_BYTES = 24;
/** Between two looks; whoever leaves a call says so at once. */
const LOOK_MS = 5;
/** A thread that has not come out by then has been ended in the middle of a call. */
const LEAVE_MAX_MS = 500;

export class SharedState {
  readonly #words: Int32Array;
  readonly #held: Float64Array;
  readonly #heldBytes: Uint32Array;

  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(STATE_BYTES)) {
    this.#words = new Int32Array(shared);
    this.#held = new Float64Array(shared, HELD_AT, 1);
    this.#heldBytes = new Uint32Array(shared, HELD_OCTETS_AT, 1);
  }

  /** A packet that one of the threads took from the ring and nobody has read yet: its address; 0: there is none. */
  get held(): number {
    return this.#held[0] ?? 0;
  }

  get heldBytes(): number {
    return this.#heldBytes[0] ?? 0;
  }

  hold(address: number, bytes: number): void {
    this.#held[0] = address;
    this.#heldBytes[0] = bytes;
  }

  get closed(): boolean {
    return Atomics.load(this.#words, CLOSED) === 1;
  }

  /** Begins a call; false: the device is closed, nothing was begun. */
  enter(): boolean {
    Atomics.add(this.#words, INSIDE, 1);
    if (!this.closed) return true;
    this.leave();
    return false;
  }

  leave(): void {
    Atomics.sub(this.#words, INSIDE, 1);
    Atomics.notify(this.#words, INSIDE);
  }

  /**
   * No call begins from now on; comes back when those under way have ended, at most LEAVE_MAX_MS later.
   * @param rouse ends waits that are under way
   */
  close(rouse: () => void): void {
    Atomics.store(this.#words, CLOSED, 1);
    for (let waitedMs = 0; waitedMs < LEAVE_MAX_MS; waitedMs += LOOK_MS) {
      const inside = Atomics.load(this.#words, INSIDE);
      if (inside === 0) return;
      rouse();
      Atomics.wait(this.#words, INSIDE, inside, LOOK_MS);
    }
  }
}
