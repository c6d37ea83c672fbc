// What devices and drivers can do: data, so that nobody asks which platform this is.
import { VNET_HEADER_BYTES } from "@bunnel/abi";
import { DeviceError } from "./errors.ts";
import type { DeviceChange, DeviceOptions, Medium } from "./options.ts";

/** Octets of the packet information (linux/if_tun.h struct tun_pi; elsewhere the address family). */
export const PACKET_INFORMATION_BYTES = 4;

/** What one open device can do. */
export interface DeviceCapabilities {
  /** The driver's name: "linux", "memory"… */
  readonly driver: string;
  /** "ip": packets start with the IP header. "ethernet": with the Ethernet header. */
  readonly medium: Medium;
  /** The octets before each packet are a virtio_net_hdr, in and out; packets may be super-packets of 64 KiB. */
  readonly vnetHeader: boolean;
  /** Octets of that header. Default 10. */
  readonly vnetHeaderBytes?: number;
  /** Four octets of packet information stand before that header, or before the packet. Default false. */
  readonly packetInformation?: boolean;
  /** Packets that one read or write takes at best. */
  readonly burst: number;
  /** Device events (link, address, MTU) are reported. */
  readonly events: boolean;
  /** The device can be handed over to a Worker. */
  readonly transferable: boolean;
  /** Packets can be read and written in pieces (`VectoredTunDevice`). Default false. */
  readonly vectored?: boolean;
}

/** Octets that stand before each packet: | packet information | virtio_net_hdr | packet … */
export function headerBytesOf(capabilities: DeviceCapabilities): number {
  const { vnetHeader, vnetHeaderBytes = VNET_HEADER_BYTES, packetInformation = false } = capabilities;
  return (packetInformation ? PACKET_INFORMATION_BYTES : 0) + (vnetHeader ? vnetHeaderBytes : 0);
}

/** Things a driver has or has not, besides options. */
export type DriverFeature =
  /** Several queues of one device, each with a Worker of its own. */
  | "queues"
  /** Devices from a descriptor that somebody else opened. */
  | "descriptors"
  /** Networks of one's own, apart from that of the system. */
  | "namespaces"
  /** Pairs of interfaces of which one receives what the other sends. */
  | "pairs"
  /** One packet in several pieces. */
  | "vectored"
  /** Changes of interfaces, addresses and routes as a stream. */
  | "events";

/** What the driver of a platform can do. */
export interface DriverCapabilities {
  /** As `process.platform` calls it. */
  readonly platform: string;
  readonly media: readonly Medium[];
  readonly options: readonly (keyof DeviceOptions)[];
  readonly changes: readonly (keyof DeviceChange)[];
  readonly features: readonly DriverFeature[];
}

/**
 * Refuses what a driver cannot do before anything is opened.
 * @throws DeviceError E_UNSUPPORTED naming the option and the platform
 */
export function checkSupported(driver: DriverCapabilities, options: DeviceOptions): void {
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || (driver.options as readonly string[]).includes(option)) continue;
    throw unsupported(`option ${option}`, driver.platform, nearest(option, driver.options));
  }
  const medium = options.medium ?? "ip";
  if (!driver.media.includes(medium)) throw unsupported(`${medium} devices`, driver.platform);
}

/**
 * Refuses a change that a driver cannot make.
 * @throws DeviceError E_UNSUPPORTED naming the change and the platform
 */
export function checkChange(driver: DriverCapabilities, change: DeviceChange): void {
  for (const [what, value] of Object.entries(change)) {
    if (value === undefined || (driver.changes as readonly string[]).includes(what)) continue;
    throw unsupported(`changing ${what}`, driver.platform);
  }
}

/** @throws DeviceError E_UNSUPPORTED naming the feature and the platform */
export function checkFeature(driver: DriverCapabilities, feature: DriverFeature): void {
  if (!driver.features.includes(feature)) throw unsupported(feature, driver.platform);
}

function unsupported(what: string, platform: string, meant?: string): DeviceError {
  const hint = meant === undefined ? "" : `; perhaps ${meant} is meant`;
  return new DeviceError("E_UNSUPPORTED", `${what}: expected a platform that has it, found ${platform}${hint}`);
}

/** A name that begins alike: people leave units out, or are used to another library. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const start = name.slice(0, 3).toLowerCase();
  return known.find((each) => each.toLowerCase().startsWith(start));
}
