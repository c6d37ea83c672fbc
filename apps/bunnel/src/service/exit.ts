// How the program says that something did not work: one sentence, and a status that scripts can ask for.

/** Ends the program with a sentence and a status of its own. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  constructor(
    message: string,
    readonly status = 1,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A service that ended by itself. A thread of it may hang, and would keep the process from ending like others. */
export class StoppedError extends ExitError {
  /** `isClosed`: a kill switch holds. */
  constructor(cause: Error, isClosed = false) {
    const left = isClosed ? "what its rules want stays closed until `bunnel down`" : "the network is as before";
    super(`stopped by itself, ${left}: ${cause.message}`, 1, { cause });
  }
}

/** The error as a sentence for people. Bugs show where they happened; everything else does not. */
export function explain(error: unknown): string {
  // What went wrong first is the cause; what went wrong in cleaning up after it comes behind.
  if (error instanceof SuppressedError) return `${explain(error.suppressed)}; then: ${explain(error.error)}`;
  if (!(error instanceof Error)) return String(error);
  const isKnown = "code" in error || error instanceof ExitError;
  return isKnown ? error.message : (error.stack ?? error.message);
}
