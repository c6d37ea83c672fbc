// What a wrong profile text is told.
import { ProfileError, type ProfileErrorCode } from "../src/errors.ts";
import { parseProfile } from "../src/profile/parse.ts";
import { loadFile } from "./files.ts";

/** The code and all problems of a text, each with its place. */
export function problemsOf(text: string): [ProfileErrorCode | undefined, ...string[]] {
  try {
    parseProfile(text, { load: loadFile });
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    return [error.code, ...error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)];
  }
  return [undefined];
}
