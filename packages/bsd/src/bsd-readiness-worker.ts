// The thread that waits for descriptors, so that the event loop of the thread that asked goes on. It sleeps in poll(2)
// and never comes back to its own event loop; it ends with the process.
import { POLLOUT, PollSet } from "./poll-set.ts";
import { PLACES_MAX, ReadinessPlaces, TO_WRITE } from "./readiness-places.ts";
import { callsOf } from "./sys.ts";
import type { Environment } from "./system.ts";
import { lower, type WakePipe } from "./wake-pipe.ts";

/** What the thread is told at its start. */
export interface ReadinessOrder {
  readonly environment: Environment;
  readonly shared: SharedArrayBuffer;
  readonly pipe: WakePipe;
}

/** What this file uses of a Worker's global scope. */
interface WorkerScope {
  onmessage: ((event: { readonly data: ReadinessOrder }) => void) | null;
  postMessage(place: number): void;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = ({ data }) => waitForEver(data, (place) => scope.postMessage(place));

function waitForEver({ environment, shared, pipe }: ReadinessOrder, report: (place: number) => void): void {
  const calls = callsOf(environment);
  const places = new ReadinessPlaces(shared);
  // The pipe stands before the places.
  const poll = new PollSet(calls, 1 + PLACES_MAX);
  const waited = new Int32Array(PLACES_MAX);
  poll.set(0, pipe.reading);
  for (;;) {
    places.startTurn();
    for (let place = 0; place < PLACES_MAX; place++) {
      const wish = places.at(place);
      waited[place] = wish;
      if (wish >= TO_WRITE) poll.set(1 + place, wish - TO_WRITE, POLLOUT);
      else poll.set(1 + place, wish);
    }
    if (poll.poll(-1) <= 0) continue;
    if (poll.found(0) !== 0) lower(calls, pipe);
    for (let place = 0; place < PLACES_MAX; place++) {
      if (poll.found(1 + place) !== 0 && places.take(place, waited[place] ?? -1)) report(place);
    }
  }
}
