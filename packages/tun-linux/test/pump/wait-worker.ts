// Waits for ever in a thread of its own, and says when it was woken.
import type { DeviceHandOver } from "@bunnel/device";
import { openTransferred } from "../../src/hand-over.ts";
import { eventOf, openPump, portOf, type PumpBackend } from "../../src/pump/index.ts";
import { pumpMemory } from "./memory.ts";

export interface WaitOrder {
  readonly handOver: DeviceHandOver;
  readonly backend: PumpBackend;
}

declare const self: Worker;

self.addEventListener("message", ({ data }: MessageEvent<WaitOrder>) => {
  const device = openTransferred(data.handOver);
  const { memory, rings } = pumpMemory(0);
  const ports = [portOf(device)];
  using pump = openPump({ memory, rings, ports, eventFd: eventOf(device), backend: data.backend });
  self.postMessage("waiting");
  self.postMessage(pump.wait(-1));
});
