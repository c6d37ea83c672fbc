// From an errno to an error that somebody can act on. The numbers are those of 4.4BSD (sys/errno.h), which macOS and
// the BSDs share up to 44; each system's own ones stand in its table.
import { DeviceError, type DeviceErrorCode } from "@bunnel/device";

export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const EBADF = 9;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
export const ENOTTY = 25;
export const ENOSPC = 28;
export const EAGAIN = 35;
export const EMSGSIZE = 40;
export const EPROTONOSUPPORT = 43;
/** Also ENOTSUP; on macOS EOPNOTSUPP is another number. */
export const EOPNOTSUPP = 45;
export const EAFNOSUPPORT = 47;
export const EADDRNOTAVAIL = 49;
export const ENETDOWN = 50;
export const ENETUNREACH = 51;
export const ENOBUFS = 55;
const EOPNOTSUPP_DARWIN = 102;

const NAMES: Readonly<Record<number, string>> = {
  [EPERM]: "EPERM",
  [ENOENT]: "ENOENT",
  [ESRCH]: "ESRCH",
  [EINTR]: "EINTR",
  [EIO]: "EIO",
  [ENXIO]: "ENXIO",
  [EBADF]: "EBADF",
  [ENOMEM]: "ENOMEM",
  [EACCES]: "EACCES",
  [EFAULT]: "EFAULT",
  [EBUSY]: "EBUSY",
  [EEXIST]: "EEXIST",
  [ENODEV]: "ENODEV",
  [EINVAL]: "EINVAL",
  [ENOTTY]: "ENOTTY",
  [ENOSPC]: "ENOSPC",
  [EAGAIN]: "EAGAIN",
  [EMSGSIZE]: "EMSGSIZE",
  [EPROTONOSUPPORT]: "EPROTONOSUPPORT",
  [EOPNOTSUPP]: "EOPNOTSUPP",
  [EAFNOSUPPORT]: "EAFNOSUPPORT",
  [EADDRNOTAVAIL]: "EADDRNOTAVAIL",
  [ENETDOWN]: "ENETDOWN",
  [ENETUNREACH]: "ENETUNREACH",
  [ENOBUFS]: "ENOBUFS",
  [EOPNOTSUPP_DARWIN]: "EOPNOTSUPP",
};

const CODES: Readonly<Record<number, DeviceErrorCode>> = {
  [EPERM]: "E_DEVICE_DENIED",
  [EACCES]: "E_DEVICE_DENIED",
  [ENOENT]: "E_DEVICE_MISSING",
  [ESRCH]: "E_DEVICE_MISSING",
  [EADDRNOTAVAIL]: "E_DEVICE_MISSING",
  [ENXIO]: "E_DEVICE_GONE",
  [ENODEV]: "E_DEVICE_GONE",
  [EBADF]: "E_DEVICE_GONE",
  [EBUSY]: "E_DEVICE_BUSY",
  [EEXIST]: "E_DEVICE_BUSY",
  [EOPNOTSUPP]: "E_UNSUPPORTED",
  [EOPNOTSUPP_DARWIN]: "E_UNSUPPORTED",
  [EAFNOSUPPORT]: "E_UNSUPPORTED",
  [EPROTONOSUPPORT]: "E_UNSUPPORTED",
};

/** "EPERM"; a number without a name here reads "errno 999". */
export function errnoName(errno: number): string {
  return NAMES[errno] ?? `errno ${errno}`;
}

/**
 * The error of a failed call. A missing right is E_DEVICE_DENIED, a missing interface E_DEVICE_GONE, a missing node,
 * route or address E_DEVICE_MISSING, a thing that is there already E_DEVICE_BUSY, what the system cannot do
 * E_UNSUPPORTED, all else E_DEVICE_SYSTEM.
 */
export function systemError(what: string, errno: number): DeviceError {
  const code = CODES[errno] ?? "E_DEVICE_SYSTEM";
  const hint = code === "E_DEVICE_DENIED" ? ": needs root" : "";
  return new DeviceError(code, `${what} failed with ${errnoName(errno)}${hint}`, errno);
}

/** @throws DeviceError as `systemError` makes it, unless the errno is 0 */
export function check(what: string, errno: number): void {
  if (errno !== 0) throw systemError(what, errno);
}

export function gone(doing: string, name: string, errno = 0): DeviceError {
  return new DeviceError("E_DEVICE_GONE", `${doing} ${name}: expected an interface, found it deleted`, errno);
}
