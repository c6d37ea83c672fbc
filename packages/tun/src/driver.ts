// Picks the driver for this machine, on first use: importing this package on any system is harmless.
import { DeviceError, type AsyncTunDevice, type DeviceOptions } from "@bunnel/device";
import type * as TunLinux from "@bunnel/tun-linux";

/** What a platform's driver offers. */
export interface Driver {
  open(options: DeviceOptions): AsyncTunDevice;
  /** The system's interfaces, addresses, routes, rules and neighbours. */
  openNetwork(): TunLinux.RouteNetlink;
  /** Has names asked at the servers of a link. */
  setDns: typeof TunLinux.setLinkDns;
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
  throw new DeviceError("E_UNSUPPORTED", `TUN devices: expected a platform with a driver (linux), found ${platform}`);
}

function linux(): Driver {
  const tunLinux = require("@bunnel/tun-linux") as typeof TunLinux;
  return {
    open: tunLinux.openLinuxTun,
    openNetwork: () => tunLinux.RouteNetlink.open(),
    setDns: tunLinux.setLinkDns,
    recoverDns: tunLinux.recoverDns,
  };
}
