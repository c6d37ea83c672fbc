// A device in another thread of the same process.
import { DeviceError, type DeviceHandOver } from "@bunnel/device";
import { windowsSetup, type WindowsSetup } from "./libraries.ts";
import { RingLink } from "./ring-link.ts";
import { SharedState } from "./shared-state.ts";
import { systemOf } from "./sys.ts";
import { TapLink } from "./tap-link.ts";
import { DRIVER, WindowsDevice } from "./windows-device.ts";

/**
 * The same device in another thread of this process, from `handOver()`. It borrows: `close` here closes nothing. End
 * its waits before the thread ends.
 * @throws DeviceError E_DEVICE_OPTION when the hand-over is another driver's
 */
export function openTransferred(handOver: DeviceHandOver): WindowsDevice {
  const { state } = handOver;
  if (handOver.driver !== DRIVER || !(state instanceof SharedArrayBuffer)) throw foreign(handOver);
  const name = textOf(handOver, "name");
  const system = systemOf(windowsSetup(JSON.parse(textOf(handOver, "setup")) as WindowsSetup));
  const medium = handOver["medium"] === "ethernet" ? "ethernet" : "ip";
  const { mac, pool } = handOver;
  const link =
    medium === "ethernet" && pool instanceof SharedArrayBuffer
      ? new TapLink({ system, handle: numberOf(handOver, "handle"), pool, nameOf: () => name })
      : new RingLink({
          system,
          wintun: system.wintun(textOf(handOver, "wintun")),
          session: numberOf(handOver, "session"),
          readEvent: numberOf(handOver, "readEvent"),
          mergeTcp: handOver["mergeTcp"] === true,
          nameOf: () => name,
        });
  return new WindowsDevice({
    system,
    medium,
    name,
    index: numberOf(handOver, "index"),
    luid: BigInt(textOf(handOver, "luid")),
    wakeEvent: numberOf(handOver, "wakeEvent"),
    state: new SharedState(state),
    link,
    sendBufferBytes: numberOf(handOver, "sendBufferBytes"),
    persistent: handOver["persistent"] === true,
    ...(typeof mac === "string" ? { mac } : {}),
    handOver: {},
    dispose: undefined,
  });
}

function numberOf(handOver: DeviceHandOver, key: string): number {
  const value = handOver[key];
  if (typeof value !== "number") throw foreign(handOver);
  return value;
}

function textOf(handOver: DeviceHandOver, key: string): string {
  const value = handOver[key];
  if (typeof value !== "string") throw foreign(handOver);
  return value;
}

function foreign({ driver }: DeviceHandOver): DeviceError {
  return new DeviceError("E_DEVICE_OPTION", `hand-over: expected one of driver "${DRIVER}", found "${driver}"`);
}
