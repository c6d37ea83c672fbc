// What of an error is logged: its code, so that programs can tell, and its sentence.
import type { LogFields } from "./log.ts";

/** The code and the sentence of an error. */
export function errorFields(error: unknown): LogFields {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return {
    ...(code !== undefined && { code }),
    error: error instanceof Error ? error.message : String(error),
  };
}
