// The thread that carries datagrams on, as `DatagramCarrier.open` starts it.
import { CarryLoop } from "./carry-loop.ts";
import type { CarryStart, FromCarry } from "./carry-protocol.ts";

declare const self: Worker;

const say = (message: FromCarry): void => self.postMessage(message);

self.addEventListener("message", (event: MessageEvent<CarryStart>) => {
  try {
    new CarryLoop(event.data, say).run();
    say({ say: "ended" });
  } catch (error) {
    say({ say: "failed", message: error instanceof Error ? error.message : String(error) });
  }
});
