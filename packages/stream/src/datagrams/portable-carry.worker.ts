// The thread that carries datagrams on by portable sockets, as `PortableCarrier.open` starts it.
import { PortableCarryLoop } from "./portable-carry-loop.ts";
import type { FromPortable, PortableStart } from "./portable-protocol.ts";

declare const self: Worker;

const say = (message: FromPortable, transfer: ArrayBuffer[] = []): void => self.postMessage(message, transfer);

self.addEventListener("message", (event: MessageEvent<PortableStart>) => {
  try {
    new PortableCarryLoop(event.data, say).run();
    say({ say: "ended" });
  } catch (error) {
    say({ say: "failed", message: error instanceof Error ? error.message : String(error) });
  }
});
