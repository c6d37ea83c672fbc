// The relay's thread, as `StreamRelay.open` starts it.
import { RelayLoop } from "./loop/relay-loop.ts";
import { takeOwnTable } from "./own-table/own-table.ts";
import { descriptorsOfThread } from "./own-table/run-time.ts";
import { giveUpCapabilities } from "./own-table/sys.ts";
import type { FromRelay, RelayStart } from "./protocol.ts";

declare const self: Worker;

const say = (message: FromRelay): void => self.postMessage(message);

self.addEventListener("message", (event: MessageEvent<RelayStart>) => void run(event.data));

async function run(start: RelayStart): Promise<void> {
  try {
    const { inbox, listener, signal, isLate, form } = start;
    // Sockets are opened and marked by who asks for them, so that a filter which refuses this does no harm.
    if (isLate && form === "native") giveUpCapabilities();
    if (inbox !== undefined) {
      const left = await descriptorsOfThread();
      takeOwnTable([inbox, listener, signal]);
      say({ say: "apart", left });
    }
    new RelayLoop(start, say).run();
    say({ say: "ended" });
  } catch (error) {
    say({ say: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}
