// Opening a TAP adapter of tap-windows6. Its driver must have been installed, with an adapter for each device that
// shall be open at a time; the adapter stays when the device is closed. Source: tap-windows.h.
import { DeviceError } from "@bunnel/device";
import {
  ERROR_ACCESS_DENIED,
  ERROR_GEN_FAILURE,
  FILE_ATTRIBUTE_SYSTEM,
  FILE_FLAG_OVERLAPPED,
  GENERIC_READ,
  GENERIC_WRITE,
  OPEN_EXISTING,
  TAP_WIN_IOCTL_CONFIG_TUN,
  TAP_WIN_IOCTL_GET_MAC,
  TAP_WIN_IOCTL_GET_MTU,
  TAP_WIN_IOCTL_GET_VERSION,
  TAP_WIN_IOCTL_SET_MEDIA_STATUS,
} from "./constants.ts";
import { windowsError } from "./errors.ts";
import { indexOfLuid } from "./luid.ts";
import type { WindowsOptions } from "./options.ts";
import { SharedState } from "./shared-state.ts";
import { OVERLAPPED_BYTES, OVERLAPPED_EVENT_AT } from "./structs.ts";
import { createEvent, openFile, type WindowsSystem } from "./sys.ts";
import { tapAdapters, type TapAdapter } from "./tap-adapters.ts";
import { createPool, TapLink } from "./tap-link.ts";
import { wideString } from "./wide-string.ts";
import { WindowsDevice } from "./windows-device.ts";

const MAC_BYTES = 6;
/** The driver queues one frame for each write that is under way. */
const SEND_BYTES = 16 * 0x10000;

/** @throws DeviceError E_DEVICE_MISSING without such an adapter, E_DEVICE_BUSY when all are in use, E_DEVICE_DENIED */
export function openTapDevice(system: WindowsSystem, options: WindowsOptions): WindowsDevice {
  const { adapter, handle } = openFree(system, options);
  try {
    return startTap(system, adapter, handle, options);
  } catch (error) {
    system.kernel32().CloseHandle(handle);
    throw error;
  }
}

function openFree(system: WindowsSystem, { name, attach }: WindowsOptions) {
  const all = tapAdapters(system);
  const wanted = name === undefined || name.includes("%") ? all : all.filter((each) => each.name === name);
  if (wanted.length === 0) {
    const code = attach ? "E_DEVICE_GONE" : "E_DEVICE_MISSING";
    const which = name === undefined ? "an adapter of tap-windows6" : `an adapter of tap-windows6 named "${name}"`;
    const found =
      all.length === 0 ? "none; install OpenVPN's tap-windows6 driver" : all.map((each) => each.name).join(", ");
    throw new DeviceError(code, `TAP device: expected ${which}, found ${found}`);
  }
  let error = 0;
  for (const adapter of wanted) {
    const path = wideString(`${system.setup.tapPrefix}${adapter.guid}${system.setup.tapSuffix}`);
    const flags = FILE_ATTRIBUTE_SYSTEM | FILE_FLAG_OVERLAPPED;
    const handle = openFile(system, path, GENERIC_READ + GENERIC_WRITE, OPEN_EXISTING, flags);
    if (handle !== 0) return { adapter, handle };
    error = system.kernel32().GetLastError();
    if (error === ERROR_ACCESS_DENIED) break;
  }
  if (error !== ERROR_GEN_FAILURE) throw windowsError("opening the TAP adapter", error);
  const names = wanted.map((each) => each.name).join(", ");
  throw new DeviceError("E_DEVICE_BUSY", `TAP adapter ${names}: expected one that is free, found it in use`, error);
}

function startTap(system: WindowsSystem, adapter: TapAdapter, handle: number, options: WindowsOptions): WindowsDevice {
  const { name, luid } = adapter;
  const control = new TapControl(system, handle);
  const { mac } = control;
  control.setMedium(options.carrier ?? true);
  const pool = createPool(system);
  const link = new TapLink({ system, handle, pool, nameOf: () => name });
  return new WindowsDevice({
    system,
    medium: "ethernet",
    name,
    index: indexOfLuid(system, luid),
    luid,
    wakeEvent: createEvent(system),
    state: new SharedState(),
    link,
    sendBufferBytes: SEND_BYTES,
    mac,
    persistent: true,
    handOver: { handle, pool },
    setCarrier: (isOn) => control.setMedium(isOn),
    dispose: () => {
      link.end();
      control.setMedium(false);
      system.kernel32().CloseHandle(handle);
    },
  });
}

/** The requests that the driver answers. */
export class TapControl {
  constructor(
    readonly system: WindowsSystem,
    readonly handle: number,
  ) {}

  /** The adapter's hardware address. */
  get mac(): string {
    const octets = this.#ask(TAP_WIN_IOCTL_GET_MAC, new Uint8Array(MAC_BYTES));
    return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(":");
  }

  /** Major, minor, and whether it is a debug build. */
  get version(): readonly number[] {
    return [...new Uint32Array(this.#ask(TAP_WIN_IOCTL_GET_VERSION, new Uint8Array(12)).buffer)];
  }

  get mtuBytes(): number {
    return new Uint32Array(this.#ask(TAP_WIN_IOCTL_GET_MTU, new Uint8Array(4)).buffer)[0] ?? 0;
  }

  /** As if the cable were in, or out. */
  setMedium(isIn: boolean): void {
    this.#ask(TAP_WIN_IOCTL_SET_MEDIA_STATUS, new Uint8Array(Uint32Array.of(isIn ? 1 : 0).buffer));
  }

  /**
   * Has the adapter carry IPv4 packets instead of frames: the driver then answers ARP itself.
   * @param local four octets each, in network order
   */
  configureTun(local: Uint8Array, network: Uint8Array, mask: Uint8Array): void {
    this.#ask(TAP_WIN_IOCTL_CONFIG_TUN, Uint8Array.of(...local, ...network, ...mask));
  }

  /** In and out in the same memory, as METHOD_BUFFERED has it. */
  #ask(request: number, memory: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const { kernel32, deviceControl } = this.system;
    const event = createEvent(this.system, true);
    const overlapped = new Uint8Array(OVERLAPPED_BYTES);
    new DataView(overlapped.buffer).setBigUint64(OVERLAPPED_EVENT_AT, BigInt(event), true);
    const count = new Uint32Array(1);
    const bytes = memory.length;
    try {
      const { DeviceIoControl } = deviceControl();
      if (DeviceIoControl(this.handle, request, memory, bytes, memory, bytes, count, overlapped) !== 0) return memory;
      if (kernel32().GetOverlappedResult(this.handle, overlapped, count, 1) !== 0) return memory;
      const error = kernel32().GetLastError();
      throw windowsError(`request 0x${request.toString(16)} to the TAP adapter`, error);
    } finally {
      kernel32().CloseHandle(event);
    }
  }
}
