/** The stable codes of the codec's errors. */
export type WireErrorCode =
  | "E_WIRE_ADDRESS"
  | "E_WIRE_FIELD"
  | "E_WIRE_CAPTURE"
  | "E_WIRE_LINE"
  | "E_WIRE_OFFLOAD"
  | "E_WIRE_READ";

/** What could not be built, read or written, with a code to act on. Decoders of traffic never throw it. */
export class WireError extends Error {
  override readonly name = "WireError";
  constructor(
    readonly code: WireErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The value itself, when it is a whole number of 0 to `max`.
 * @throws WireError E_WIRE_FIELD that names the field
 */
export function checkedField(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new WireError("E_WIRE_FIELD", `${name} must be a whole number of 0 to ${max}, found ${value}`);
}
