// What this driver can do on each system, as data.
import type { DeviceOptions, DriverCapabilities } from "@bunnel/device";
import { DRAGONFLY } from "./dragonfly.ts";
import { FREEBSD } from "./freebsd.ts";
import { NETBSD } from "./netbsd.ts";
import { OPENBSD } from "./openbsd.ts";
import type { BsdTunSystem } from "./system.ts";

/** Every system of this driver, by its name. */
export const SYSTEMS: Readonly<Record<string, BsdTunSystem>> = {
  freebsd: FREEBSD,
  openbsd: OPENBSD,
  netbsd: NETBSD,
  dragonfly: DRAGONFLY,
};

export function bsdCapabilities({ platform, requests, tun }: BsdTunSystem): DriverCapabilities {
  const canChangeMac = requests.SIOCSIFLLADDR !== undefined;
  const canStay: readonly (keyof DeviceOptions)[] = tun.isDestroyed ? ["deleteOnClose", "persistent"] : [];
  return {
    platform,
    media: ["ip", "ethernet"],
    options: [
      "addresses",
      ...canStay,
      ...(requests.SIOCSIFINFO_IN6 === undefined ? [] : (["ipv6LinkLocal"] as const)),
      ...(canChangeMac ? (["mac"] as const) : []),
      "medium",
      "mtuBytes",
      "name",
      "up",
    ],
    changes: [
      ...(tun.isDestroyed ? (["deleteOnClose", "persistent"] as const) : []),
      ...(canChangeMac ? (["mac"] as const) : []),
    ],
    features: ["descriptors", "events", "vectored"],
  };
}
