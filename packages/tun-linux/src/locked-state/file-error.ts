// From a failed call of node:fs to an error that somebody can act on.
import { DeviceError, type DeviceErrorCode } from "@bunnel/device";
import { errnoName } from "@bunnel/ffi";

// asm-generic/errno-base.h
const EPERM = 1;
const EACCES = 13;
const EROFS = 30;
const DENIED: ReadonlySet<number> = new Set([EPERM, EACCES, EROFS]);

/** E_DEVICE_DENIED where the right is missing or the place cannot be written, else E_DEVICE_SYSTEM. */
export function fileError(what: string, error: unknown): DeviceError {
  const errno = errnoOf(error);
  const code: DeviceErrorCode = DENIED.has(errno) ? "E_DEVICE_DENIED" : "E_DEVICE_SYSTEM";
  return new DeviceError(code, `${what} failed with ${errnoName(errno)}`, errno, { cause: error });
}

/** 0 for what is no system error. */
export function errnoOf(error: unknown): number {
  return error instanceof Error && "errno" in error && typeof error.errno === "number" ? Math.abs(error.errno) : 0;
}
