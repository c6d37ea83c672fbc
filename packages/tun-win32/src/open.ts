// Opening a device: options are checked, the adapter is made, then set as asked. If one fails, nothing stays.
import { DeviceError } from "@bunnel/device";
import { pointer } from "@bunnel/ffi";
import { configure } from "./configure.ts";
import { windowsError } from "./errors.ts";
import { guidOfName } from "./guid.ts";
import { windowsSetup } from "./libraries.ts";
import { indexOfLuid, luidOfAlias } from "./luid.ts";
import { checkOptions, ringBytesOf, type WindowsOptions } from "./options.ts";
import { RingLink } from "./ring-link.ts";
import { SharedState } from "./shared-state.ts";
import { createEvent, systemOf, type WindowsSystem } from "./sys.ts";
import { openTapDevice } from "./tap-open.ts";
import { WindowsDevice } from "./windows-device.ts";
import { logWintun, openWintun, WintunAdapter } from "./wintun.ts";

const NAME_DEFAULT = "bunnel%d";
const TUNNEL_TYPE_DEFAULT = "bunnel";
/** Numbers that are tried for a `%d`. */
const NUMBERS_MAX = 1024;

/**
 * Opens a TUN device by Wintun, or a TAP device by tap-windows6. A Wintun adapter goes when it is closed: its
 * addresses and routes with it. A TAP adapter must be there, and stays.
 * @throws DeviceError E_DEVICE_MISSING without Wintun's DLL or a TAP adapter, E_DEVICE_DENIED without the rights of an
 * administrator, E_DEVICE_BUSY when the name is taken or the adapter in use, E_DEVICE_GONE when there is nothing to
 * attach to, E_UNSUPPORTED and E_DEVICE_OPTION for options that cannot be, E_DEVICE_SYSTEM with Windows' number
 */
export function openWindowsTun(options: WindowsOptions = {}): WindowsDevice {
  checkOptions(options);
  const system = systemOf(windowsSetup(options.setup));
  const device = options.medium === "ethernet" ? openTapDevice(system, options) : openWintunDevice(system, options);
  try {
    if (!options.attach) configure(system, device, options);
    return device;
  } catch (error) {
    device.close();
    throw error;
  }
}

/** A TAP device, which carries Ethernet frames. Otherwise as `openWindowsTun`. */
export function openWindowsTap(options: Omit<WindowsOptions, "medium"> = {}): WindowsDevice {
  return openWindowsTun({ ...options, medium: "ethernet" });
}

function openWintunDevice(system: WindowsSystem, options: WindowsOptions): WindowsDevice {
  const wintun = openWintun(system.setup, options.folders);
  if (options.onLog) logWintun(wintun, options.onLog);
  const { name: pattern = NAME_DEFAULT, attach = false, exclusive = false } = options;
  const name = freeName(system, pattern);
  const { guid = guidOfName(name), tunnelType = TUNNEL_TYPE_DEFAULT } = options;
  const adapter = attach
    ? WintunAdapter.open(wintun, name)
    : WintunAdapter.create(wintun, { name, tunnelType, guid, exclusive });
  try {
    return startDevice(adapter, name, options);
  } catch (error) {
    adapter.close();
    throw error;
  }
}

function startDevice(adapter: WintunAdapter, name: string, options: WindowsOptions): WindowsDevice {
  const { wintun, luid } = adapter;
  const { system, calls } = wintun;
  const { mergeTcp = true } = options;
  const ringBytes = ringBytesOf(options);
  const session = adapter.startSession(ringBytes, name);
  const wakeEvent = createEvent(system);
  if (wakeEvent === 0) {
    const error = system.kernel32().GetLastError();
    calls.WintunEndSession(pointer(session));
    throw windowsError("making an event", error);
  }
  const readEvent = Number(calls.WintunGetReadWaitEvent(pointer(session)));
  const link = new RingLink({ system, wintun: calls, session, readEvent, mergeTcp, nameOf: () => name });
  return new WindowsDevice({
    system,
    medium: "ip",
    name,
    index: indexOfLuid(system, luid),
    luid,
    wakeEvent,
    state: new SharedState(),
    link,
    sendBufferBytes: ringBytes,
    persistent: options.attach ?? false,
    handOver: { wintun: wintun.path, session, readEvent, mergeTcp },
    dispose: () => {
      calls.WintunEndSession(pointer(session));
      adapter.close();
    },
  });
}

/** The name itself, or with a number in the place of `%d` that no interface has. */
function freeName(system: WindowsSystem, pattern: string): string {
  if (!pattern.includes("%d")) return pattern;
  for (let number = 0; number < NUMBERS_MAX; number++) {
    const name = pattern.replace("%d", String(number));
    if (luidOfAlias(system, name) === undefined) return name;
  }
  throw new DeviceError("E_DEVICE_BUSY", `adapter "${pattern}": expected a free number, found ${NUMBERS_MAX} taken`);
}
