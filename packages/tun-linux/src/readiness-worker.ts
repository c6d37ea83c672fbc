// The thread that waits for descriptors, so that the event loop of the thread that asked goes on. It sleeps in poll(2)
// and never comes back to its own event loop; it ends with the process.
import { PLACES_MAX, ReadinessPlaces, TO_WRITE } from "./readiness-places.ts";
import * as sys from "./sys.ts";

/** What this file uses of a Worker's global scope. */
interface WorkerScope {
  onmessage: ((event: { readonly data: SharedArrayBuffer }) => void) | null;
  postMessage(place: number): void;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = ({ data }) => waitForEver(new ReadinessPlaces(data), (place) => scope.postMessage(place));

function waitForEver(places: ReadinessPlaces, report: (place: number) => void): void {
  // The event stands before the places, so that those which were never taken need not be looked at.
  const poll = new sys.PollSet(1 + PLACES_MAX);
  const waited = new Int32Array(PLACES_MAX);
  poll.set(0, places.eventFd);
  for (;;) {
    places.startTurn();
    const { used } = places;
    for (let place = 0; place < used; place++) {
      const wish = places.at(place);
      waited[place] = wish;
      if (wish >= TO_WRITE) poll.set(1 + place, wish - TO_WRITE, sys.POLLOUT);
      else poll.set(1 + place, wish);
    }
    if (poll.poll(-1, 1 + used) <= 0) continue;
    if (poll.found(0) !== 0) sys.lowerEvent(places.eventFd);
    for (let place = 0; place < used; place++) {
      if (poll.found(1 + place) !== 0 && places.take(place, waited[place] ?? -1)) report(place);
    }
  }
}
