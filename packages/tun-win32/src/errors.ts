// What it means when Windows says no: the error numbers of winerror.h and the contract's codes.
import { DeviceError, type DeviceErrorCode } from "@bunnel/device";
import * as win from "./constants.ts";

const CODES: Readonly<Record<number, DeviceErrorCode>> = {
  [win.ERROR_FILE_NOT_FOUND]: "E_DEVICE_MISSING",
  [win.ERROR_ACCESS_DENIED]: "E_DEVICE_DENIED",
  [win.ERROR_INVALID_HANDLE]: "E_DEVICE_GONE",
  [win.ERROR_GEN_FAILURE]: "E_DEVICE_GONE",
  [win.ERROR_HANDLE_EOF]: "E_DEVICE_GONE",
  [win.ERROR_NOT_SUPPORTED]: "E_UNSUPPORTED",
  [win.ERROR_DEV_NOT_EXIST]: "E_DEVICE_GONE",
  [win.ERROR_INVALID_PARAMETER]: "E_DEVICE_OPTION",
  [win.ERROR_ALREADY_EXISTS]: "E_DEVICE_BUSY",
  [win.ERROR_OPERATION_ABORTED]: "E_DEVICE_GONE",
  [win.ERROR_NOT_FOUND]: "E_DEVICE_MISSING",
  [win.ERROR_ALREADY_INITIALIZED]: "E_DEVICE_BUSY",
  [win.ERROR_OBJECT_ALREADY_EXISTS]: "E_DEVICE_BUSY",
};

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(win)
    .filter(([name]) => name.startsWith("ERROR_"))
    .map(([name, number]) => [Number(number), name]),
);

/** Name of a Windows error: "ERROR_ACCESS_DENIED". A number without a name here reads "Windows error 999". */
export function windowsErrorName(error: number): string {
  return NAMES.get(error) ?? `Windows error ${error}`;
}

export function codeOfWindowsError(error: number): DeviceErrorCode {
  return CODES[error] ?? "E_DEVICE_SYSTEM";
}

/** The error of a call that failed; `errno` of it is Windows' number. */
export function windowsError(what: string, error: number): DeviceError {
  const code = codeOfWindowsError(error);
  const hint = code === "E_DEVICE_DENIED" ? ": needs an administrator" : "";
  return new DeviceError(code, `${what} failed with ${windowsErrorName(error)}${hint}`, error);
}

/** @throws DeviceError for every error but 0 and those in `tolerated` */
export function checkWindows(what: string, error: number, ...tolerated: readonly number[]): void {
  if (error !== win.NO_ERROR && !tolerated.includes(error)) throw windowsError(what, error);
}
