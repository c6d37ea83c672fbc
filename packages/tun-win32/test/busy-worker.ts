// Another thread that holds the device and is inside its calls all the time, until it is closed.
import { DeviceError, Wake, type DeviceHandOver } from "@bunnel/device";
import { openTransferred } from "../src/hand-over.ts";

interface WorkerScope {
  onmessage: ((event: { readonly data: DeviceHandOver }) => void) | null;
  postMessage(answer: "started" | "closed" | { readonly failed: string }): void;
}

const SLOTS = 16;
const SLOT_BYTES = 2048;
const scope = globalThis as unknown as WorkerScope;

scope.onmessage = ({ data }) => {
  const device = openTransferred(data);
  const list = { at: Uint32Array.from({ length: SLOTS }, (_, i) => i * SLOT_BYTES), lengths: new Uint16Array(SLOTS) };
  device.attach(new ArrayBuffer(SLOTS * SLOT_BYTES));
  scope.postMessage("started");
  try {
    while (device.wait(-1) !== Wake.Closed) device.write(list, 0, device.read(list, 0, SLOT_BYTES));
    scope.postMessage("closed");
  } catch (error) {
    const isGone = error instanceof DeviceError && error.code === "E_DEVICE_GONE";
    scope.postMessage(isGone ? "closed" : { failed: String(error) });
  }
};
