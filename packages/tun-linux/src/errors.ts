// From a system call's errno to an error that somebody can act on.
import { DeviceError, type DeviceErrorCode } from "@bunnel/device";
import { errnoName } from "@bunnel/ffi";
import * as sys from "./sys.ts";

/** What nearly every call here needs (capabilities(7)). */
const RIGHT = "CAP_NET_ADMIN";

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
export function systemError(what: string, errno: number, explanation = "", right = RIGHT): DeviceError {
  const code = codeOfErrno(errno);
  return new DeviceError(code, failureText(what, errno, explanation, code, right), errno);
}

export function codeOfErrno(errno: number): DeviceErrorCode {
  return CODES[errno] ?? "E_DEVICE_SYSTEM";
}

/** The words of such an error; where the right is missing, they say which. */
export function failureText(
  what: string,
  errno: number,
  explanation: string,
  code: DeviceErrorCode,
  right = RIGHT,
): string {
  const hint = code === "E_DEVICE_DENIED" ? `: needs ${right}` : "";
  const words = explanation === "" ? "" : ` (${explanation})`;
  return `${what} failed with ${errnoName(errno)}${words}${hint}`;
}
