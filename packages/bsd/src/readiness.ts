// Waiting for a descriptor without blocking the event loop.
//
// Bun's event loop cannot watch a foreign descriptor, so one Worker per thread and C library sleeps in poll(2) for all
// of them: no processor time while nothing comes. Where the Worker's file cannot be loaded (a bundle that was built
// without it), a timer looks instead, first often, then every TIMER_MAX_MS.
import { DeviceError } from "@bunnel/device";
import { POLLOUT, PollSet } from "./poll-set.ts";
import { PLACES_MAX, ReadinessPlaces, TO_WRITE } from "./readiness-places.ts";
import type { ReadinessOrder } from "./bsd-readiness-worker.ts";
import type { Calls } from "./sys.ts";
import { openWakePipe, raise, type WakePipe } from "./wake-pipe.ts";

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
  readonly resolve: () => void;
}

class Readiness {
  readonly #calls: Calls;
  readonly #waiting = new Map<number, Waiting>();
  readonly #places = ReadinessPlaces.create();
  readonly #pipe: WakePipe;
  readonly #worker: Worker;
  /** Set when the Worker could not be loaded. */
  #timed = false;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#pipe = openWakePipe(calls);
    this.#worker = new Worker(new URL("./bsd-readiness-worker.ts", import.meta.url));
    this.#worker.onmessage = ({ data }: MessageEvent<number>) => this.#finish(data);
    this.#worker.onerror = () => this.#useTimers();
    this.#worker.unref();
    const { environment } = calls;
    const order: ReadinessOrder = { environment, shared: this.#places.shared, pipe: this.#pipe };
    this.#worker.postMessage(order);
  }

  wait(wish: number): ReadinessWait {
    const { promise, resolve } = Promise.withResolvers<void>();
    const place = this.#places.put(wish);
    if (place < 0) {
      throw new DeviceError("E_DEVICE_STATE", `waits: expected at most ${PLACES_MAX} at a time, found more`);
    }
    const waiting: Waiting = { wish, resolve };
    this.#waiting.set(place, waiting);
    // A wait keeps the process alive, an idle Worker does not.
    if (this.#waiting.size === 1) this.#worker.ref();
    if (this.#timed) this.#look(place, waiting, TIMER_MIN_MS);
    else raise(this.#calls, this.#pipe);
    return { promise, cancel: () => this.#cancel(place, waiting) };
  }

  #cancel(place: number, waiting: Waiting): void {
    if (this.#waiting.get(place) !== waiting) return;
    const turn = this.#places.turn();
    this.#places.take(place, waiting.wish);
    // Turn 0: the Worker has not started, so it has not seen the descriptor either.
    if (!this.#timed && turn > 0) {
      raise(this.#calls, this.#pipe);
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
    if (this.#waiting.size === 0) this.#worker.unref();
    waiting.resolve();
  }

  #useTimers(): void {
    this.#timed = true;
    for (const [place, waiting] of this.#waiting) this.#look(place, waiting, TIMER_MIN_MS);
  }

  #look(place: number, waiting: Waiting, pauseMs: number): void {
    if (this.#waiting.get(place) !== waiting) return;
    const poll = new PollSet(this.#calls, 1);
    if (waiting.wish >= TO_WRITE) poll.set(0, waiting.wish - TO_WRITE, POLLOUT);
    else poll.set(0, waiting.wish);
    if (poll.poll(0) !== 0) this.#finish(place);
    else setTimeout(() => this.#look(place, waiting, Math.min(pauseMs * 2, TIMER_MAX_MS)), pauseMs);
  }
}

/** One per C library: in a program of the real world, one. */
const readiness = new Map<string, Readiness>();

function of(calls: Calls): Readiness {
  const { system, libraries = system.libraries } = calls.environment;
  const key = libraries.join(":");
  let found = readiness.get(key);
  if (!found) readiness.set(key, (found = new Readiness(calls)));
  return found;
}

/**
 * Waits for `fd` to have something to read. The promise may also resolve without cause: look, and wait again.
 * @throws DeviceError E_DEVICE_STATE when PLACES_MAX waits are under way in this thread
 */
export function whenReadable(calls: Calls, fd: number): ReadinessWait {
  return of(calls).wait(fd);
}

/** Waits for `fd` to have room to write. Otherwise as `whenReadable`. */
export function whenWritable(calls: Calls, fd: number): ReadinessWait {
  return of(calls).wait(fd + TO_WRITE);
}

/** Ends the wait when the signal is aborted, and lets go of the signal when the wait has ended. */
export async function endedBy(waiting: ReadinessWait, signal: AbortSignal | undefined): Promise<void> {
  const cancel = () => waiting.cancel();
  signal?.addEventListener("abort", cancel);
  await waiting.promise;
  signal?.removeEventListener("abort", cancel);
}
