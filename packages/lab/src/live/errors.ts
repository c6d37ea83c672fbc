/** The stable codes of a lab's errors. */
export type LabErrorCode =
  /** A process of the lab ended or failed at what it was asked. */
  | "E_LAB_CHILD"
  /** The program under test did not start or did not end. */
  | "E_LAB_SERVICE"
  /** The lab cannot do this in the state that it is in. */
  | "E_LAB_STATE"
  /** What was measured contradicts itself. */
  | "E_LAB_MEASURE";

/** A lab that could not be built or used. */
export class LabError extends Error {
  override readonly name = "LabError";
  constructor(
    readonly code: LabErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
