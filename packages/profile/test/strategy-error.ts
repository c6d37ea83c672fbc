// What a wrong strategy text is told.
import { expect } from "bun:test";
import { ProfileError } from "../src/errors.ts";
import { parseStrategy } from "../src/notation/checker.ts";

/** The place and message of the error that a text gives. */
export function errorOf(text: string): string {
  try {
    parseStrategy(text);
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    expect(error.code).toBe("E_STRATEGY");
    expect(error.message).toBe(`strategy:${error.line}:${error.column}: ${error.problems[0].message}`);
    return `${error.line}:${error.column} ${error.problems[0].message}`;
  }
  return "no error";
}
