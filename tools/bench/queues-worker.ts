// Writes bursts of one packet into its queue while it is its turn, as c/queues.c does, through a pump.
import { RX_MAX } from "@bunnel/abi";
import type { DeviceHandOver } from "@bunnel/device";
import { Engine, type EngineHandOver } from "@bunnel/engine";
import { eventOf, openPump, openTransferredTun, portOf, type PumpBackend } from "@bunnel/tun-linux";

export interface QueueStart {
  readonly engine: EngineHandOver;
  readonly laneIndex: number;
  readonly device: DeviceHandOver;
  readonly backend: PumpBackend;
  readonly packet: Uint8Array;
  /** Where the packets written are counted, and which place is this queue's. */
  readonly written: Float64Array;
  /** One word that is not zero while the queues are written. */
  readonly turn: Int32Array;
}

declare const self: Worker;

self.addEventListener("message", ({ data }: MessageEvent<QueueStart>) => {
  const { engine, laneIndex, packet, written, turn, backend } = data;
  const { memory, rings, rx } = Engine.attach(engine).lane(laneIndex, { plan: false });
  const octets = new Uint8Array(memory);
  for (let i = 0; i < RX_MAX; i++) {
    octets.set(packet, rx.at[i]);
    rx.lengths[i] = packet.length;
  }
  const device = openTransferredTun(data.device);
  using pump = openPump({ memory, rings, ports: [portOf(device)], eventFd: eventOf(device), backend });
  for (let count = 0; ;) {
    while (Atomics.load(turn, 0) === 0) Atomics.wait(turn, 0, 0);
    count += pump.write(0, rx, 0, RX_MAX);
    written[laneIndex] = count;
  }
});
