// What can be wrong with a profile, a strategy or a rule table, and where.

/** The stable codes of this package's errors. */
export type ProfileErrorCode =
  /** A strategy text that the notation does not have. */
  | "E_STRATEGY"
  /** A profile text that is not TOML. */
  | "E_PROFILE_SYNTAX"
  /** A profile with keys or values that do not exist. */
  | "E_PROFILE"
  /** A profile that is right but too large for a rule table. */
  | "E_RULES_LIMIT"
  /** A rule table that an engine must not be given. */
  | "E_RULES_TABLE";

/** One thing that is wrong. Line and column count from 1, columns in UTF-16 units; absent where there is no text. */
export interface ProfileProblem {
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * Everything that was found wrong, in the order of the text. `message` has one line per problem, each starting with
 * `source:line:column:`; `line` and `column` are those of the first.
 */
export class ProfileError extends Error {
  override readonly name = "ProfileError";
  readonly line?: number;
  readonly column?: number;

  constructor(
    readonly code: ProfileErrorCode,
    readonly problems: readonly [ProfileProblem, ...ProfileProblem[]],
    source: string,
    options?: ErrorOptions,
  ) {
    super(problems.map((problem) => `${placeOf(source, problem)}: ${problem.message}`).join("\n"), options);
    const { line, column } = problems[0];
    if (line !== undefined) this.line = line;
    if (column !== undefined) this.column = column;
  }
}

function placeOf(source: string, { line, column }: ProfileProblem): string {
  return [source, line, column].filter((part) => part !== undefined).join(":");
}

/** Why a single value was refused: the sentence that stands behind the value's name. */
export class Fault {
  constructor(readonly text: string) {}
}
