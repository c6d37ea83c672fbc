// A device in a thread of its own: what comes is counted by the number that it carries and written back, until somebody
// calls the device's wake, or it is gone.
import { DeviceError, Wake, type DeviceHandOver, type PacketList } from "@bunnel/device";
import { openPumpedTun, type PumpBackend } from "../../src/pump/index.ts";
import { PAYLOAD_AT } from "./traffic.ts";

export interface TrafficOrder {
  readonly device: DeviceHandOver;
  readonly backend: PumpBackend;
  /** How often each packet was read, int32 by its number. */
  readonly seen: SharedArrayBuffer;
  /** The octets of each packet as it was read, int32 by its number. */
  readonly octets: SharedArrayBuffer;
}

/** Why it ended: what `wait` found, or the error's code. `name`: the device's, at the end. */
export interface TrafficEnd {
  readonly why: Wake | string;
  readonly read: number;
  readonly name: string;
}

declare const self: Worker;

const BURST = 64;
const SLOT_BYTES = 16_384;
const HEADROOM_BYTES = 128;
const RING_BYTES = 0x10000;

self.addEventListener("message", ({ data }: MessageEvent<TrafficOrder>) => {
  const memory = new SharedArrayBuffer(RING_BYTES + BURST * SLOT_BYTES);
  const rings = { at: 0, bytes: RING_BYTES };
  const device = openPumpedTun(data.device, { memory, rings, backend: data.backend });
  const list: PacketList = {
    at: Uint32Array.from({ length: BURST }, (_, i) => RING_BYTES + i * SLOT_BYTES + HEADROOM_BYTES),
    lengths: new Uint16Array(BURST),
  };
  const view = new DataView(memory);
  const [seen, octets] = [new Int32Array(data.seen), new Int32Array(data.octets)];
  let read = 0;
  const turn = (): Wake | undefined => {
    const count = device.read(list, 0, SLOT_BYTES - HEADROOM_BYTES);
    if (count === 0) {
      const wake = device.wait(-1);
      return wake === Wake.Readable ? undefined : wake;
    }
    for (let i = 0; i < count; i++) {
      const number = view.getUint32((list.at[i] ?? 0) + PAYLOAD_AT);
      octets[number] = list.lengths[i] ?? 0;
      Atomics.add(seen, number, 1);
      Atomics.notify(seen, number);
    }
    read += count;
    device.write(list, 0, count);
    return undefined;
  };
  self.postMessage("reading");
  let why: Wake | string | undefined;
  try {
    while (why === undefined) why = turn();
  } catch (error) {
    why = error instanceof DeviceError ? error.code : String(error);
  }
  self.postMessage({ why, read, name: device.name } satisfies TrafficEnd);
});
