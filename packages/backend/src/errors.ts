/** The stable codes of a backend's errors. */
export type BackendErrorCode = "E_ALREADY_RUNNING" | "E_NOT_RUNNING" | "E_NOT_SUPPORTED" | "E_ENGINE" | "E_CONFIG";

/** A backend call that failed, with a code to act on. */
export class BackendError extends Error {
  override readonly name = "BackendError";
  constructor(
    readonly code: BackendErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
