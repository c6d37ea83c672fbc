// What the threads that hold one device know of each other. Nobody may end a session, or take away memory that Windows
// writes to, while another thread is inside a call.
//
//   | closed i32 | threads inside a call i32 |

const CLOSED = 0;
const INSIDE = 1;
const WORDS = 2;
/** Between two looks; whoever leaves a call says so at once. */
const LOOK_MS = 5;
/** A thread that has not come out by then has been ended in the middle of a call. */
const LEAVE_MAX_MS = 500;

export class SharedState {
  readonly #words: Int32Array;

  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4)) {
    this.#words = new Int32Array(shared);
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
