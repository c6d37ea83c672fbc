// A device in another thread of the same process.
import { DeviceError, type DeviceHandOver, type Medium } from "@bunnel/device";
import { DRIVER, LinuxTun } from "./device.ts";
import type { Offload } from "./tun-node.ts";

/** What every hand-over of this driver has, beside what may be left out. */
interface TunHandOver extends DeviceHandOver {
  readonly fd: number;
  readonly eventFd: number;
  readonly name: string;
  readonly index: number;
  readonly medium: Medium;
  readonly offloads: string;
  readonly vnetHeaderBytes: number;
}

const TYPES: Readonly<Record<string, string>> = {
  fd: "number",
  eventFd: "number",
  name: "string",
  index: "number",
  medium: "string",
  offloads: "string",
  vnetHeaderBytes: "number",
};

/**
 * The same device in another thread of this process, from `handOver()`. It borrows: `close` here closes nothing, and
 * `close` of the first ends it.
 * @throws DeviceError E_DEVICE_OPTION when the hand-over is another driver's
 */
export function openTransferred(handOver: DeviceHandOver): LinuxTun {
  if (!isOurs(handOver)) {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `hand-over: expected one of driver "${DRIVER}", found "${handOver.driver}"`,
    );
  }
  const { fd, eventFd, name, index, medium, vnetHeaderBytes, offloads, sleeper, endFd } = handOver;
  return new LinuxTun({
    fd,
    eventFd,
    name,
    index,
    medium,
    vnetHeaderBytes,
    packetInformation: handOver["packetInformation"] === true,
    multiQueue: handOver["multiQueue"] === true,
    offloads: offloads === "" ? [] : (offloads.split(",") as Offload[]),
    ownership: "lent",
    ...(sleeper instanceof SharedArrayBuffer && { sleeper }),
    ...(typeof endFd === "number" && { endFd }),
  });
}

function isOurs(handOver: DeviceHandOver): handOver is TunHandOver {
  return handOver.driver === DRIVER && Object.entries(TYPES).every(([key, type]) => typeof handOver[key] === type);
}
