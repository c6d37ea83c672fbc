// Picks the driver for this machine, on first use: importing this package on any system is harmless.
import {
  DeviceError,
  type DescriptorOptions,
  type DeviceOptions,
  type DriverCapabilities,
  type SystemDevice,
} from "@bunnel/device";
import type * as TunLinux from "@bunnel/tun-linux";
import { win32 } from "./win32.ts";

/** What is asked about interfaces, addresses, routes, rules and neighbours: the calls of Linux, whoever answers. */
export type DriverNetwork = Omit<TunLinux.RouteNetlink, "watch"> & {
  watch<T extends TunLinux.NetworkTopic = TunLinux.ConfigurationTopic>(
    options?: TunLinux.WatchOptions<T>,
  ): DriverEvents<T>;
};

/** Changes of the network as they happen, for one reader. */
export type DriverEvents<T extends TunLinux.NetworkTopic = TunLinux.ConfigurationTopic> = AsyncIterableIterator<
  TunLinux.NetworkEventOf<T>,
  undefined
> &
  Disposable & { close(): void };

/** Name servers that were set, and by what. */
export type DriverDnsHold = Omit<TunLinux.LinkDnsHold, "backend"> & {
  readonly backend: TunLinux.LinkDnsHold["backend"] | "iphlpapi";
};

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
  openNetwork(): DriverNetwork;
  /** The interface of a device as it is now; undefined when it was deleted. */
  linkOf(device: SystemDevice): TunLinux.LinkInfo | undefined;
  /** Changes of interfaces and addresses where the device's interface is. */
  watchFrom(device: SystemDevice, signal?: AbortSignal): DriverEvents<"link" | "address">;
  /** A network of one's own. */
  createNamespace(): TunLinux.NetworkNamespace;
  /** Has names asked at the servers of a link. */
  setDns(...args: Parameters<typeof TunLinux.setLinkDns>): Promise<DriverDnsHold>;
  /** Puts back the name servers that a killed process left changed. */
  recoverDns: typeof TunLinux.recoverDns;
}

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
  if (platform === "linux") return linux();
  if (platform === "win32") return win32();
  throw new DeviceError(
    "E_UNSUPPORTED",
    `TUN devices: expected a platform with a driver (linux, win32), found ${platform}`,
  );
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
    linkOf: (device) =>
      tunLinux.inNamespaceOf(own(device).fd, () => {
        using network = tunLinux.RouteNetlink.open();
        return network.link(device.index);
      }),
    watchFrom: (device, signal) => {
      const options = { topics: ["link", "address"] as const, ...(signal ? { signal } : {}) };
      return tunLinux.inNamespaceOf(own(device).fd, () => tunLinux.NetworkEvents.open(options));
    },
    createNamespace: () => tunLinux.NetworkNamespace.create(),
    setDns: tunLinux.setLinkDns,
    recoverDns: tunLinux.recoverDns,
  };
}
