// The other thread of the conformance suite: takes a device over, attaches a memory of its own and does as it is told.
import type { DeviceHandOver, PacketList, TunDevice } from "../device.ts";

/** What the suite tells this thread, and what it answers. */
export type ConformanceOrder =
  | { readonly order: "open"; readonly module: string; readonly opener: string; readonly handOver: DeviceHandOver }
  | { readonly order: "wait"; readonly timeoutMs: number }
  | { readonly order: "read" }
  | { readonly order: "write"; readonly header: Uint8Array; readonly packet: Uint8Array }
  | { readonly order: "close" };

export type ConformanceAnswer =
  | { readonly answer: "done" }
  /** Sent right before the thread blocks. */
  | { readonly answer: "waiting" }
  | { readonly answer: "woke"; readonly wake: number }
  | { readonly answer: "read"; readonly packets: readonly Uint8Array[] }
  | { readonly answer: "wrote"; readonly count: number }
  | { readonly answer: "failed"; readonly message: string };

interface WorkerScope {
  onmessage: ((event: { readonly data: ConformanceOrder }) => void) | null;
  postMessage(answer: ConformanceAnswer): void;
}

const scope = globalThis as unknown as WorkerScope;
const memory = new Uint8Array(1 << 18);
const list: PacketList = { at: Uint32Array.of(0x1000, 0x12000), lengths: new Uint16Array(2) };
const ROOM_BYTES = 2048;
let device: TunDevice | undefined;

scope.onmessage = ({ data }) => {
  obey(data).then(
    (answer) => scope.postMessage(answer),
    (error: unknown) => scope.postMessage({ answer: "failed", message: String(error) }),
  );
};

async function obey(order: ConformanceOrder): Promise<ConformanceAnswer> {
  if (order.order === "open") {
    const module = (await import(order.module)) as Record<string, (handOver: DeviceHandOver) => TunDevice>;
    device = module[order.opener]?.(order.handOver);
    device?.attach(memory.buffer);
    return { answer: "done" };
  }
  if (!device) return { answer: "failed", message: "no device was opened" };
  switch (order.order) {
    case "wait":
      scope.postMessage({ answer: "waiting" });
      return { answer: "woke", wake: device.wait(order.timeoutMs) };
    case "read": {
      const count = device.read(list, 0, ROOM_BYTES);
      const packets = Array.from({ length: count }, (_, i) => octetsOf(i));
      return { answer: "read", packets };
    }
    case "write":
      memory.set(order.header, (list.at[0] ?? 0) - order.header.length);
      memory.set(order.packet, list.at[0]);
      list.lengths[0] = order.packet.length;
      return { answer: "wrote", count: device.write(list, 0, 1) };
    case "close":
      device.close();
      return { answer: "done" };
  }
}

function octetsOf(i: number): Uint8Array {
  const at = list.at[i] ?? 0;
  return memory.slice(at, at + (list.lengths[i] ?? 0));
}
