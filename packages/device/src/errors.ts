/** The stable codes of a device's errors. */
export type DeviceErrorCode =
  | "E_DEVICE_DENIED"
  | "E_DEVICE_MISSING"
  | "E_DEVICE_BUSY"
  | "E_DEVICE_GONE"
  | "E_DEVICE_STATE"
  | "E_DEVICE_OPTION"
  | "E_DEVICE_SYSTEM"
  | "E_UNSUPPORTED";

/** A device, route or interception call that failed: a code to act on, and the system's errno where there was one. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
  constructor(
    readonly code: DeviceErrorCode,
    message: string,
    readonly errno = 0,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
