// What a suite gets, and what it gives.
import type { Row } from "./row.ts";
import type { Stage } from "./stage.ts";

export interface SuiteOptions {
  /** Undefined: the suite's own number. */
  readonly rounds: number | undefined;
  /** Whether a row of this name is asked for; the expensive ones are run only then. */
  wants(name: string): boolean;
  /** Progress for people. */
  say(line: string): void;
}

export interface Suite {
  readonly title: string;
  /** Gives each row when it is measured. Namespaces, programs and files come from the stage and go with it. */
  run(stage: Stage, options: SuiteOptions): AsyncGenerator<Row>;
}
