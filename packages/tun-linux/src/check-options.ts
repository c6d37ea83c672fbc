// What a device can be opened with, checked before anything is done.
import { checkSupported, DeviceError, type DeviceOptions, type Medium } from "@bunnel/device";
import { VNET_HEADER_BYTES } from "@bunnel/abi";
import { LINUX_CAPABILITIES } from "./driver-capabilities.ts";
import { parsePrefix } from "./netcfg/index.ts";
import { checkSettings } from "./tun-settings.ts";

export const MTU_DEFAULT_BYTES = 1500;
const MTU_MIN_BYTES = 68;
/** The largest packet is 65535 octets, of Ethernet with its header. */
const MTU_MAX_BYTES: Readonly<Record<Medium, number>> = { ip: 65535, ethernet: 65521 };
/** Below it the kernel switches IPv6 off on an interface (RFC 8200 section 5). */
const MTU_IPV6_MIN_BYTES = 1280;
/** With packet information before it, what a slot has room for. */
const VNET_HEADER_MAX_BYTES = 124;
const I32_MAX = 0x7fffffff;

/** Options that change nothing about an interface which is there already. */
const ATTACHING: ReadonlySet<string> = new Set([
  "attach",
  "deleteOnClose",
  "medium",
  "multiQueue",
  "name",
  "napi",
  "offload",
  "packetInformation",
  "sendBufferBytes",
  "vnetHeaderBytes",
]);

/** @throws DeviceError E_UNSUPPORTED, E_DEVICE_OPTION */
export function checkOptions(options: DeviceOptions): void {
  checkSupported(LINUX_CAPABILITIES, options);
  const { medium = "ip", mtuBytes = MTU_DEFAULT_BYTES } = options;
  const { linkType, owner, group, mac, sendBufferBytes } = options;
  checkSettings(given({ linkType, owner, group, mac, sendBufferBytes }), medium);
  checkNumber("mtuBytes", mtuBytes, MTU_MIN_BYTES, MTU_MAX_BYTES[medium]);
  checkNumber("txQueueLength", options.txQueueLength ?? 0, 0, I32_MAX);
  checkNumber("index", options.index ?? 1, 1, I32_MAX);
  checkNumber(
    "vnetHeaderBytes",
    options.vnetHeaderBytes ?? VNET_HEADER_BYTES,
    VNET_HEADER_BYTES,
    VNET_HEADER_MAX_BYTES,
  );
  if (options.vnetHeaderBytes !== undefined && !options.offload) {
    throw new DeviceError("E_DEVICE_OPTION", "vnetHeaderBytes: expected offload with it, found none");
  }
  for (const each of options.addresses ?? []) {
    const address = typeof each === "string" ? each : each.address;
    if (parsePrefix(address).family === 6 && mtuBytes < MTU_IPV6_MIN_BYTES) {
      checkNumber(`mtuBytes with the IPv6 address ${address}`, mtuBytes, MTU_IPV6_MIN_BYTES, MTU_MAX_BYTES[medium]);
    }
  }
  if (options.attach) checkAttaching(options);
}

/** Without what is undefined. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function checkAttaching(options: DeviceOptions): void {
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
