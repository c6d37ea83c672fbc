// Waiting for a descriptor without blocking the event loop.
//
// Bun's event loop cannot watch a TUN descriptor, so one Worker per thread sleeps in poll(2) for all of them: no
// processor time while nothing comes, and about 70 µs from packet to promise. Where the Worker's file cannot be loaded
// (a bundle that was built without it), a timer looks instead, first often, then every TIMER_MAX_MS.
import { DeviceError } from "@bunnel/device";
export { PLACES_MAX } from "./readiness-places.ts";
import { PLACES_MAX, ReadinessPlaces, TO_WRITE } from "./readiness-places.ts";
import * as sys from "./sys.ts";

const TIMER_MIN_MS = 1;
const TIMER_MAX_MS = 20;

/** A wait that was asked for. `promise` resolves when there is something to read, or when the wait was cancelled. */
export interface ReadinessWait {
  readonly promise: Promise<void>;
  /**
   * Ends the wait. When it returns, no thread uses the descriptor any more, so that closing it closes it at once.
   * A second call does nothing.
   */
  cancel(): void;
}

interface Waiting {
  /** The descriptor, and what it waits for, as its place holds it. */
  readonly wish: number;
  /** Whether the process stays alive for it. */
  readonly isAwaited: boolean;
  readonly resolve: () => void;
}

class Readiness {
  readonly #waiting = new Map<number, Waiting>();
  readonly #places: ReadinessPlaces;
  readonly #worker: Worker;
  readonly #eventFd: number;
  /** How many of the waits keep the process alive. */
  #awaited = 0;
  /** Set when the Worker could not be loaded. */
  #timed = false;

  constructor() {
    this.#eventFd = sys.openEvent();
    if (this.#eventFd < 0) throw new DeviceError("E_DEVICE_SYSTEM", "eventfd: none could be opened", sys.errno());
    this.#places = ReadinessPlaces.create(this.#eventFd);
    this.#worker = new Worker(new URL("./readiness-worker.ts", import.meta.url));
    this.#worker.onmessage = ({ data }: MessageEvent<number>) => this.#finish(data);
    this.#worker.onerror = () => this.#useTimers();
    this.#worker.unref();
    this.#worker.postMessage(this.#places.shared);
  }

  wait(wish: number, isAwaited = true): ReadinessWait {
    const { promise, resolve } = Promise.withResolvers<void>();
    const place = this.#places.put(wish);
    if (place < 0)
      throw new DeviceError("E_DEVICE_STATE", `waits: expected at most ${PLACES_MAX} at a time, found more`);
    const waiting: Waiting = { wish, isAwaited, resolve };
    this.#waiting.set(place, waiting);
    // A wait keeps the process alive, an idle Worker does not.
    if (isAwaited && ++this.#awaited === 1) this.#worker.ref();
    if (this.#timed) this.#look(place, waiting, TIMER_MIN_MS);
    else sys.raiseEvent(this.#eventFd);
    return { promise, cancel: () => this.#cancel(place, waiting) };
  }

  #cancel(place: number, waiting: Waiting): void {
    if (this.#waiting.get(place) !== waiting) return;
    const turn = this.#places.turn();
    this.#places.take(place, waiting.wish);
    // Turn 0: the Worker has not started, so it has not seen the descriptor either.
    if (!this.#timed && turn > 0) {
      sys.raiseEvent(this.#eventFd);
      this.#places.awaitTurnAfter(turn);
    }
    this.#finish(place);
  }

  #finish(place: number): void {
    const waiting = this.#waiting.get(place);
    // A message of a wait that was cancelled meanwhile may meet the next one at the same place: that one then looks and
    // finds nothing, which every reader must be able to bear.
    if (!waiting) return;
    this.#places.take(place, waiting.wish);
    this.#waiting.delete(place);
    if (waiting.isAwaited && --this.#awaited === 0) this.#worker.unref();
    waiting.resolve();
  }

  #useTimers(): void {
    this.#timed = true;
    for (const [place, waiting] of this.#waiting) this.#look(place, waiting, TIMER_MIN_MS);
  }

  #look(place: number, waiting: Waiting, pauseMs: number): void {
    if (this.#waiting.get(place) !== waiting) return;
    const poll = new sys.PollSet(1);
    if (waiting.wish >= TO_WRITE) poll.set(0, waiting.wish - TO_WRITE, sys.POLLOUT);
    else poll.set(0, waiting.wish);
    if (poll.poll(0) !== 0) {
      this.#finish(place);
      return;
    }
    const timer = setTimeout(() => this.#look(place, waiting, Math.min(pauseMs * 2, TIMER_MAX_MS)), pauseMs);
    if (!waiting.isAwaited) timer.unref();
  }
}

let readiness: Readiness | undefined;

/**
 * Waits for `fd` to have something to read. The promise may also resolve without cause: look, and wait again.
 * @throws DeviceError E_DEVICE_STATE when PLACES_MAX waits are under way in this thread
 */
export function whenReadable(fd: number): ReadinessWait {
  readiness ??= new Readiness();
  return readiness.wait(fd);
}

/** Waits for `fd` to have room to write. Otherwise as `whenReadable`. */
export function whenWritable(fd: number): ReadinessWait {
  readiness ??= new Readiness();
  return readiness.wait(fd + TO_WRITE);
}

/** As `whenReadable`, for something that may never come: the process does not stay alive for it. */
export function whenRaised(eventFd: number): ReadinessWait {
  readiness ??= new Readiness();
  return readiness.wait(eventFd, false);
}
