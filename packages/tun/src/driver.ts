// Picks the driver for this machine, on first use: importing this package on any system is harmless.
import {
  DeviceError,
  type DescriptorOptions,
  type DeviceOptions,
  type DriverCapabilities,
  type SystemDevice,
} from "@bunnel/device";
import type * as TunLinux from "@bunnel/tun-linux";
import { bsdDriver, darwinDriver, descriptorDriver } from "./bsd-driver.ts";

/** Changes of a network, as a loop takes them. */
export interface NetworkWatch<T extends TunLinux.NetworkTopic>
  extends AsyncIterableIterator<TunLinux.NetworkEventOf<T>>, Disposable {
  /** A wait under way ends. A second call does nothing. */
  close(): void;
}

/** The system's network: in the words of Linux's, by whatever means. */
export type Network = Omit<Pick<TunLinux.RouteNetlink, keyof TunLinux.RouteNetlink>, "watch"> & {
  watch<T extends TunLinux.NetworkTopic = TunLinux.ConfigurationTopic>(
    options?: TunLinux.WatchOptions<T>,
  ): NetworkWatch<T>;
};

/** Name servers that were set. `backend`: who was told, in the system's own word. */
export type DnsHold = Omit<TunLinux.LinkDnsHold, "backend"> & { readonly backend: string };

/** What a platform's driver offers. */
export interface Driver {
  /** What it can do; what is not in it throws E_UNSUPPORTED with the platform's name. */
  readonly capabilities: DriverCapabilities;
  /** A device with an interface of its own, or of one that waits for its process. */
  open(options: DeviceOptions): SystemDevice;
  /** A further queue of a device that was opened with `multiQueue`. */
  openQueue(first: SystemDevice): SystemDevice;
  /** A device from a descriptor that somebody else opened. */
  openDescriptor(descriptor: number, options: DescriptorOptions): SystemDevice;
  /** The system's interfaces, addresses, routes, rules and neighbours. */
  openNetwork(): Network;
  /** Changes of interfaces and addresses where the device's interface is. */
  watchFrom(device: SystemDevice, signal?: AbortSignal): NetworkWatch<"link" | "address">;
  /** A network of one's own. */
  createNamespace(): TunLinux.NetworkNamespace;
  /** Has names asked at the servers of a link. */
  setDns(...how: Parameters<typeof TunLinux.setLinkDns>): Promise<DnsHold>;
  /** Puts back the name servers that a killed process left changed. */
  recoverDns: typeof TunLinux.recoverDns;
}

/** By `process.platform`. */
const DRIVERS: Readonly<Record<string, () => Driver>> = {
  linux,
  darwin: () => darwinDriver(),
  freebsd: () => bsdDriver("freebsd"),
  openbsd: () => bsdDriver("openbsd"),
  netbsd: () => bsdDriver("netbsd"),
  dragonfly: () => bsdDriver("dragonfly"),
  android: () => descriptorDriver("android"),
  ios: () => descriptorDriver("ios"),
};

let chosen: Driver | undefined;

/** @throws DeviceError E_UNSUPPORTED naming the platform where there is no driver */
export function driver(): Driver {
  chosen ??= driverOf(process.platform);
  return chosen;
}

/**
 * The driver of a platform.
 * @throws DeviceError E_UNSUPPORTED naming the platform where there is no driver
 */
export function driverOf(platform: string): Driver {
  const make = DRIVERS[platform];
  if (make) return make();
  const expected = `expected a platform with a driver (${Object.keys(DRIVERS).join(", ")})`;
  throw new DeviceError("E_UNSUPPORTED", `TUN devices: ${expected}, found ${platform}`);
}

/**
 * What the driver of this machine, or of another platform, can do.
 * @throws DeviceError E_UNSUPPORTED naming the platform where there is no driver
 */
export function capabilities(platform: string = process.platform): DriverCapabilities {
  return driverOf(platform).capabilities;
}

function linux(): Driver {
  const tunLinux = require("@bunnel/tun-linux") as typeof TunLinux;
  const own = (device: SystemDevice): TunLinux.LinuxTun => {
    if (device instanceof tunLinux.LinuxTun) return device;
    const { driver: found } = device.capabilities;
    throw new DeviceError("E_UNSUPPORTED", `device ${device.name}: expected one of driver "linux", found "${found}"`);
  };
  return {
    capabilities: tunLinux.LINUX_CAPABILITIES,
    open: tunLinux.openLinuxTun,
    openQueue: (first) => tunLinux.openTunQueue(own(first)),
    openDescriptor: tunLinux.openLinuxDescriptor,
    openNetwork: () => tunLinux.RouteNetlink.open(),
    watchFrom: (device, signal) => {
      const options = { topics: ["link", "address"] as const, ...(signal ? { signal } : {}) };
      return tunLinux.inNamespaceOf(own(device).fd, () => tunLinux.NetworkEvents.open(options));
    },
    createNamespace: () => tunLinux.NetworkNamespace.create(),
    setDns: tunLinux.setLinkDns,
    recoverDns: tunLinux.recoverDns,
  };
}
