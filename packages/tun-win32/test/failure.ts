import { DeviceError } from "@bunnel/device";

/** The DeviceError that `work` throws. */
export function failureOf(work: () => unknown): DeviceError {
  try {
    work();
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
  throw new Error("expected a failure, found none");
}
