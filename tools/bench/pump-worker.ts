// One direction of our forwarder over a pump: the product's own lane loop, from one device into the other.
import { LaneLoop } from "@bunnel/backend";
import type { DeviceHandOver } from "@bunnel/device";
import { DeviceEgress } from "@bunnel/egress";
import { Engine, type EngineHandOver } from "@bunnel/engine";
import {
  eventOf,
  openPump,
  openTransferredTun,
  portOf,
  PumpedTun,
  type PumpBackend,
  type PumpCounters,
} from "@bunnel/tun-linux";

/** How a direction is carried, besides the devices. */
export interface PumpMode {
  readonly backend: PumpBackend;
  /** Whether packets are merged for a device that takes super-packets. */
  readonly merge: boolean;
}

export interface PumpStart extends PumpMode {
  readonly engine: EngineHandOver;
  readonly laneIndex: number;
  readonly from: DeviceHandOver;
  readonly to: DeviceHandOver;
}

export type PumpSaid =
  | { readonly said: "ready"; readonly backend: PumpBackend }
  | { readonly said: "ended"; readonly counters: PumpCounters }
  | { readonly said: "failed"; readonly message: string };

declare const self: Worker;

const QUEUE_PACKETS = 1024;

self.addEventListener("message", (event: MessageEvent<PumpStart>) => {
  try {
    carry(event.data);
  } catch (error) {
    say({ said: "failed", message: error instanceof Error ? error.message : String(error) });
  }
});

function carry({ engine, laneIndex, from, to, backend, merge }: PumpStart): void {
  const [source, target] = [openTransferredTun(from), openTransferredTun(to)];
  const offload = { rxVnet: source.capabilities.vnetHeader, txVnet: target.capabilities.vnetHeader };
  const lane = Engine.attach(engine).lane(laneIndex, { plan: false, ...offload });
  const { memory, rings } = lane;
  const ports = [portOf(source), portOf(target, false)];
  using pump = openPump({ memory, rings, ports, eventFd: eventOf(source), backend });
  const way = new DeviceEgress(new PumpedTun(target, pump, 1, merge ? lane : undefined));
  const loop = new LaneLoop(new PumpedTun(source, pump, 0), way, lane, QUEUE_PACKETS);
  say({ said: "ready", backend: pump.backend });
  loop.run();
  say({ said: "ended", counters: pump.counters() });
}

function say(message: PumpSaid): void {
  self.postMessage(message);
}
