// Waits for ever in a thread of its own, and says when it was woken.
import type { DeviceHandOver } from "@bunnel/device";
import { openTransferred } from "../../src/hand-over.ts";
import { eventOf, openPump, portOf, type PumpBackend } from "../../src/pump/index.ts";
import type { PumpMemory } from "./memory.ts";

export interface WaitOrder {
  readonly handOver: DeviceHandOver;
  readonly backend: PumpBackend;
  /** That of a thread that lives on. */
  readonly memory: Pick<PumpMemory, "memory" | "rings">;
}

declare const self: Worker;

self.addEventListener("message", ({ data }: MessageEvent<WaitOrder>) => {
  const device = openTransferred(data.handOver);
  const { memory, rings } = data.memory;
  const ports = [portOf(device)];
  {
    using pump = openPump({ memory, rings, ports, eventFd: eventOf(device), backend: data.backend });
    self.postMessage("waiting");
    self.postMessage(pump.wait(-1));
  }
  self.postMessage("closed");
});
