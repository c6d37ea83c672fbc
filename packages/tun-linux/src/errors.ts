// From a system call's errno to an error that somebody can act on.
import { DeviceError, type DeviceErrorCode } from "@bunnel/device";
import { errnoName } from "@bunnel/ffi";
import * as sys from "./sys.ts";

const CODES: Readonly<Record<number, DeviceErrorCode>> = {
  [sys.EPERM]: "E_DEVICE_DENIED",
  [sys.EACCES]: "E_DEVICE_DENIED",
  [sys.ENODEV]: "E_DEVICE_GONE",
  [sys.ENXIO]: "E_DEVICE_GONE",
  [sys.EBADFD]: "E_DEVICE_GONE",
  [sys.EEXIST]: "E_DEVICE_BUSY",
  [sys.EBUSY]: "E_DEVICE_BUSY",
  [sys.EOPNOTSUPP]: "E_UNSUPPORTED",
  [sys.EAFNOSUPPORT]: "E_UNSUPPORTED",
};

/**
 * The error of a failed call: `what` failed, with the errno's name and, where the kernel gave one, its explanation.
 * A missing right is E_DEVICE_DENIED, a missing interface E_DEVICE_GONE, a thing that is there already E_DEVICE_BUSY,
 * what the kernel cannot do E_UNSUPPORTED, all else E_DEVICE_SYSTEM.
 */
export function systemError(what: string, errno: number, explanation = ""): DeviceError {
  const code = CODES[errno] ?? "E_DEVICE_SYSTEM";
  const hint = code === "E_DEVICE_DENIED" ? ": needs CAP_NET_ADMIN" : "";
  const words = explanation === "" ? "" : ` (${explanation})`;
  return new DeviceError(code, `${what} failed with ${errnoName(errno)}${words}${hint}`, errno);
}
