// What it means when the TUN driver says no.
import { DeviceError } from "@bunnel/device";
import { errnoName } from "@bunnel/ffi";
import { systemError } from "./errors.ts";
import { RouteNetlink, type LinkInfo } from "./netcfg/index.ts";
import * as sys from "./sys.ts";
import type { TunNodeOptions } from "./tun-node.ts";
import { TUN_PATH } from "./tun-requests.ts";

/** The error of a failed open of the character device. */
export function openError(errno: number): DeviceError {
  switch (errno) {
    case sys.ENOENT:
    case sys.ENODEV:
    case sys.ENXIO:
      return new DeviceError(
        "E_DEVICE_MISSING",
        `${TUN_PATH}: expected the kernel's tun driver, found none (${errnoName(errno)}); try "modprobe tun", in a ` +
          `container pass the device in (--device ${TUN_PATH})`,
        errno,
      );
    case sys.EACCES:
    case sys.EPERM:
      return new DeviceError(
        "E_DEVICE_DENIED",
        `${TUN_PATH}: expected the right to open it, found none (${errnoName(errno)}); run as root, or make it ` +
          `writable and have the interface prepared (option attach)`,
        errno,
      );
    default:
      return systemError(`opening ${TUN_PATH}`, errno);
  }
}

/** The error of a failed TUNSETIFF. */
export function attachError(options: TunNodeOptions, errno: number): DeviceError {
  const { name } = options;
  const kind = options.medium === "ip" ? "TUN" : "TAP";
  const named = name === "" ? `a ${kind} interface` : `${kind} interface "${name}"`;
  if (errno === sys.EPERM || errno === sys.EACCES) {
    return new DeviceError("E_DEVICE_DENIED", `opening ${named} needs CAP_NET_ADMIN, or to be its owner`, errno);
  }
  if (errno === sys.EBUSY && options.index !== undefined && linkOf(name) === undefined) {
    const expected = `expected the index ${options.index} free, found it taken`;
    return new DeviceError("E_DEVICE_BUSY", `${named}: ${expected}`, errno);
  }
  const found = errno === sys.EBUSY || errno === sys.EINVAL ? linkOf(name) : undefined;
  if (found || errno === sys.EBUSY) {
    const what = found === undefined ? "an interface that is in use" : misfit(found, options);
    return new DeviceError("E_DEVICE_BUSY", `${named}: expected ${wanted(options)}, found ${what}`, errno);
  }
  if (errno === sys.EINVAL) {
    return new DeviceError("E_DEVICE_OPTION", `${named}: expected a name and flags that the kernel takes`, errno);
  }
  return systemError(`opening ${named}`, errno);
}

function wanted({ exclusive, multiQueue }: TunNodeOptions): string {
  if (exclusive) return "a free name";
  return multiQueue ? "a free name or a device with several queues" : "a free name or a device that nobody has open";
}

/** Why the interface of that name is not the one that was asked for. */
function misfit({ kind, details }: LinkInfo, { medium, multiQueue }: TunNodeOptions): string {
  if (details?.kind !== "tun") return `one of another kind (${kind ?? "physical"})`;
  if ((details.mode === "tap") !== (medium === "ethernet")) return `a ${details.mode.toUpperCase()} interface`;
  if (details.multiQueue !== multiQueue) return details.multiQueue ? "one with several queues" : "one with one queue";
  return "an interface that is in use";
}

function linkOf(name: string): LinkInfo | undefined {
  if (name === "" || name.includes("%")) return undefined;
  using netlink = RouteNetlink.open();
  return netlink.link(name);
}
