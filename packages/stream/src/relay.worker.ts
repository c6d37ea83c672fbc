// The relay's thread, as `StreamRelay.open` starts it.
import { RelayLoop } from "./loop/relay-loop.ts";
import { takeOwnTable } from "./own-table/own-table.ts";
import { giveUpCapabilities } from "./own-table/sys.ts";
import type { FromRelay, RelayStart } from "./protocol.ts";

declare const self: Worker;

const say = (message: FromRelay): void => self.postMessage(message);

self.addEventListener("message", (event: MessageEvent<RelayStart>) => {
  try {
    const { inbox, listener, signal, isLate, form } = event.data;
    // Sockets are opened and marked by who asks for them, so that a filter which refuses this does no harm.
    if (isLate && form === "native") giveUpCapabilities();
    if (inbox !== undefined) takeOwnTable([inbox, listener, signal]);
    new RelayLoop(event.data, say).run();
    say({ say: "ended" });
  } catch (error) {
    say({ say: "failed", message: error instanceof Error ? error.message : String(error) });
  }
});
