// Why an upstream gave no answer.

/** The stable codes of `UpstreamError`. */
export type UpstreamErrorCode =
  /** The connection could not be had, or ended. */
  | "E_CONNECTION"
  /** The certificate is not the upstream's. */
  | "E_CERTIFICATE"
  /** An answer that is none. */
  | "E_ANSWER"
  /** Nothing came in time. */
  | "E_TIMEOUT";

/** A failure of one upstream. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  constructor(
    readonly code: UpstreamErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
