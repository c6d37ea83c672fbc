// A thread that waits for a device, and tells what it found and with which packets.
import type { DeviceHandOver, PacketList } from "@bunnel/device";
import { Interrupt, openTransferredTun, type InterruptHandOver } from "../../src/index.ts";

export interface WaitOrder {
  readonly device: DeviceHandOver;
  readonly interrupt?: InterruptHandOver;
  readonly timeoutMs: number;
}

export type WaitAnswer =
  | "waiting"
  | { readonly wake: number; readonly why: number; readonly lengths: readonly number[] };

interface WorkerScope {
  onmessage: ((event: { readonly data: WaitOrder }) => void) | null;
  postMessage(answer: WaitAnswer): void;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = ({ data }) => {
  const device = openTransferredTun(data.device);
  const interrupt = data.interrupt && Interrupt.openTransferred(data.interrupt);
  const list: PacketList = { at: Uint32Array.of(128, 4096), lengths: new Uint16Array(2) };
  device.attach(new ArrayBuffer(8192));
  scope.postMessage("waiting");
  const wake = device.wait(data.timeoutMs, interrupt);
  const count = device.read(list, 0, 2048);
  scope.postMessage({ wake, why: interrupt?.value ?? 0, lengths: [...list.lengths.subarray(0, count)] });
};
