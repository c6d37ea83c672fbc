// One queue of a device in a thread of its own, over the memory that all queues share: it reads bursts into its own
// places and counts each packet by the flow and number that it carries.
import type { DeviceHandOver, PacketList } from "@bunnel/device";
import { Wake } from "@bunnel/device";
import { openTransferredTun } from "../../src/index.ts";

/** Octets of the shared memory that each queue reads into. */
export const QUEUE_BYTES = 64 * 2048;
const BURST = 64;
const SLOT_BYTES = 2048;
const HEADROOM_BYTES = 128;
/** A datagram's payload: | flow be16 | number be16 | */
const PAYLOAD_AT = 28;

export interface QueueOrder {
  readonly device: DeviceHandOver;
  /** Which queue this is. */
  readonly queue: number;
  readonly memory: SharedArrayBuffer;
  /** How often each packet was read: flows × packets, int32. */
  readonly seen: SharedArrayBuffer;
  /** Which queues a flow came by: one bit each, int32. */
  readonly queues: SharedArrayBuffer;
  /** Packets that were read, by all. */
  readonly total: SharedArrayBuffer;
  readonly packetsPerFlow: number;
}

interface WorkerScope {
  onmessage: ((event: { readonly data: QueueOrder }) => void) | null;
  postMessage(message: "ready" | { readonly read: number }): void;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = ({ data }) => {
  const device = openTransferredTun(data.device);
  device.attach(data.memory);
  scope.postMessage("ready");
  scope.postMessage({ read: drain(data, device) });
};

/** Reads until somebody calls the device's wake; gives how many packets came. */
function drain(order: QueueOrder, device: ReturnType<typeof openTransferredTun>): number {
  const list: PacketList = {
    at: Uint32Array.from({ length: BURST }, (_, i) => order.queue * QUEUE_BYTES + i * SLOT_BYTES + HEADROOM_BYTES),
    lengths: new Uint16Array(BURST),
  };
  const octets = new DataView(order.memory);
  const [seen, queues] = [new Int32Array(order.seen), new Int32Array(order.queues)];
  const total = new Int32Array(order.total);
  let read = 0;
  while (device.wait(-1) === Wake.Readable) {
    const count = device.read(list, 0, SLOT_BYTES - HEADROOM_BYTES);
    for (let i = 0; i < count; i++) {
      const at = (list.at[i] ?? 0) + PAYLOAD_AT;
      const [flow, number] = [octets.getUint16(at), octets.getUint16(at + 2)];
      Atomics.add(seen, flow * order.packetsPerFlow + number, 1);
      Atomics.or(queues, flow, 1 << order.queue);
    }
    read += count;
    Atomics.add(total, 0, count);
    Atomics.notify(total, 0);
  }
  return read;
}
