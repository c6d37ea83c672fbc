// The thread that waits for descriptors, so that the event loop of the thread that asked goes on. It sleeps in poll(2)
// and never comes back to its own event loop; it ends with the process.
import { PLACES_MAX, ReadinessPlaces } from "./readiness-places.ts";
import * as sys from "./sys.ts";

/** What this file uses of a Worker's global scope. */
interface WorkerScope {
  onmessage: ((event: { readonly data: SharedArrayBuffer }) => void) | null;
  postMessage(place: number): void;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = ({ data }) => waitForEver(new ReadinessPlaces(data), (place) => scope.postMessage(place));

function waitForEver(places: ReadinessPlaces, report: (place: number) => void): void {
  const poll = new sys.PollSet(PLACES_MAX + 1);
  const waited = new Int32Array(PLACES_MAX);
  poll.set(PLACES_MAX, places.eventFd);
  for (;;) {
    places.startTurn();
    for (let place = 0; place < PLACES_MAX; place++) {
      waited[place] = places.at(place);
      poll.set(place, waited[place] ?? -1);
    }
    if (poll.poll(-1) <= 0) continue;
    if (poll.found(PLACES_MAX) !== 0) sys.lowerEvent(places.eventFd);
    for (let place = 0; place < PLACES_MAX; place++) {
      if (poll.found(place) !== 0 && places.take(place, waited[place] ?? -1)) report(place);
    }
  }
}
