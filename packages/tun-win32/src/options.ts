// What a device can be opened with on Windows, checked before anything is done.
import { checkSupported, DeviceError, type DeviceOptions } from "@bunnel/device";
import { WINTUN_MAX_ADAPTER_NAME, WINTUN_MAX_RING_CAPACITY, WINTUN_MIN_RING_CAPACITY } from "./constants.ts";
import { WINDOWS_CAPABILITIES } from "./driver-capabilities.ts";
import { parseGuid } from "./guid.ts";
import type { WindowsSetupOptions } from "./libraries.ts";
import { parsePrefix } from "./netcfg/prefix.ts";

/** What only Windows has, beside the options of every driver. */
export interface WindowsOnlyOptions {
  /** The adapter's GUID, by which Windows remembers its profile. Default: made from the name, the same each time. */
  readonly guid?: string;
  /** What Windows shows as the kind of the adapter. Default "bunnel". */
  readonly tunnelType?: string;
  /** Octets of each of the two rings: a power of two from 128 KiB to 64 MiB. Default 8 MiB. */
  readonly ringBytes?: number;
  /** The interface's metric for both families. Default: Windows picks one. */
  readonly metric?: number;
  /** Folders in which wintun.dll is looked for first. */
  readonly folders?: readonly string[];
  /** TCP segments that lie behind each other are written as one. Default true; false where Windows forwards them. */
  readonly mergeTcp?: boolean;
  /** Told when the driver writes to its log: how grave, and when. The text stays with the driver. */
  readonly onLog?: (entry: WintunLogEntry) => void;
  /** Other libraries than those of Windows. */
  readonly setup?: WindowsSetupOptions;
}

export interface WintunLogEntry {
  readonly level: "info" | "warning" | "error";
  readonly time: Date;
}

export type WindowsOptions = DeviceOptions & WindowsOnlyOptions;

const RING_DEFAULT_BYTES = 0x80_0000;
export const MTU_DEFAULT_BYTES = 1500;
const MTU_MIN_BYTES = 68;
const MTU_MAX_BYTES = 65535;
/** RFC 8200 section 5 */
export const MTU_IPV6_MIN_BYTES = 1280;
const METRIC_MAX = 0xffff_ffff;
const OWN: readonly (keyof WindowsOnlyOptions)[] = [
  "guid",
  "tunnelType",
  "ringBytes",
  "metric",
  "folders",
  "mergeTcp",
  "onLog",
  "setup",
];
/** Options that change nothing about an adapter which is there already. */
const ATTACHING: ReadonlySet<string> = new Set([
  "attach",
  "folders",
  "medium",
  "mergeTcp",
  "name",
  "onLog",
  "ringBytes",
  "setup",
]);

/** @throws DeviceError E_UNSUPPORTED, E_DEVICE_OPTION */
export function checkOptions(options: WindowsOptions): void {
  const { up, ...rest } = options;
  if (up === false) throw unsupported("up: false", "an adapter is up while it is open");
  const common = Object.entries(rest).filter(([option]) => !(OWN as readonly string[]).includes(option));
  checkSupported(WINDOWS_CAPABILITIES, Object.fromEntries(common));
  const { medium = "ip", mtuBytes = MTU_DEFAULT_BYTES, name, guid, metric } = options;
  if (options.carrier !== undefined && medium === "ip") throw unsupported("carrier", "only TAP adapters have one");
  checkNumber("mtuBytes", mtuBytes, MTU_MIN_BYTES, MTU_MAX_BYTES);
  checkNumber("metric", metric ?? 0, 0, METRIC_MAX);
  ringBytesOf(options);
  if (name !== undefined) checkName("name", name);
  if (options.tunnelType !== undefined) checkName("tunnelType", options.tunnelType);
  if (guid !== undefined) parseGuid(guid);
  for (const each of options.addresses ?? []) {
    const { address, ...more } = typeof each === "string" ? { address: each } : each;
    const extra = Object.keys(more).find((key) => key === "peer" || key === "broadcast" || key === "connectedRoute");
    if (extra !== undefined) throw unsupported(`${extra} of address ${address}`, "Windows has no such thing");
    if (parsePrefix(address).family === 6 && mtuBytes < MTU_IPV6_MIN_BYTES) {
      checkNumber(`mtuBytes with the IPv6 address ${address}`, mtuBytes, MTU_IPV6_MIN_BYTES, MTU_MAX_BYTES);
    }
  }
  if (options.attach) checkAttaching(options);
}

/** @throws DeviceError E_DEVICE_OPTION for a size that Wintun does not take */
export function ringBytesOf({ ringBytes = RING_DEFAULT_BYTES }: WindowsOptions): number {
  const [min, max] = [WINTUN_MIN_RING_CAPACITY, WINTUN_MAX_RING_CAPACITY];
  const isPowerOfTwo = Number.isInteger(Math.log2(ringBytes));
  if (isPowerOfTwo && ringBytes >= min && ringBytes <= max) return ringBytes;
  const expected = `expected a power of two from ${min} to ${max}`;
  throw new DeviceError("E_DEVICE_OPTION", `ringBytes: ${expected}, found ${ringBytes}`);
}

/** @throws DeviceError E_DEVICE_OPTION */
function checkName(what: string, text: string): void {
  const max = WINTUN_MAX_ADAPTER_NAME - 1;
  if (text.length > 0 && text.length <= max && !text.includes("\0")) return;
  throw new DeviceError(
    "E_DEVICE_OPTION",
    `${what}: expected 1 to ${max} UTF-16 units, found ${text.length}: "${text}"`,
  );
}

function checkAttaching(options: WindowsOptions): void {
  const { name = "" } = options;
  if (name === "" || name.includes("%")) {
    throw new DeviceError("E_DEVICE_OPTION", `attach: expected the name of an interface, found "${name}"`);
  }
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || ATTACHING.has(option)) continue;
    throw new DeviceError("E_DEVICE_OPTION", `attach: expected nothing that changes the interface, found ${option}`);
  }
}

function checkNumber(what: string, found: number, min: number, max: number): void {
  if (Number.isInteger(found) && found >= min && found <= max) return;
  throw new DeviceError("E_DEVICE_OPTION", `${what}: expected ${min} to ${max}, found ${found}`);
}

function unsupported(what: string, why: string): DeviceError {
  return new DeviceError("E_UNSUPPORTED", `option ${what}: expected a platform that has it, found win32 (${why})`);
}
