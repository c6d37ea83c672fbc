// The relays of stream egress, as whoever looks at what becomes of flows sees them: each message that a strategy was
// carried out on, before any answer to it. What follows is seen from outside: the sockets are this machine's own.
import type { RelayMessage } from "@bunnel/stream";

/** What is asked of a relay. */
export interface TellingRelay {
  takeMessages(): readonly RelayMessage[];
}

export class WatchedRelays {
  #relays: readonly TellingRelay[] = [];

  /** Listens to these from now on, and to no others. */
  follow(relays: readonly TellingRelay[]): void {
    this.#relays = relays;
  }

  /** Whether there are any. */
  get any(): boolean {
    return this.#relays.length > 0;
  }

  /** The messages since the last call. */
  take(): RelayMessage[] {
    return this.#relays.flatMap((relay) => relay.takeMessages());
  }
}
