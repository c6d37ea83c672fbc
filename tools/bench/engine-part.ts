// A part of the engine suite: rows that are measured together, over the same data.
import type { Candidate } from "./rounds.ts";
import type { Budget } from "./row.ts";
import type { Stage } from "./stage.ts";

export interface EngineRow {
  readonly name: string;
  /** What both sides call it in their samples. */
  readonly measure: string;
  /** What the C program calls its own, where that is another. */
  readonly reference?: string;
  readonly unit: string;
  readonly against: string;
  readonly budget?: Budget;
}

export interface EnginePart {
  readonly rows: readonly EngineRow[];
  /**
   * The C program ("C") and the engine ("ours"), ready to be timed.
   * @throws Error when they do not do the same
   */
  candidates(stage: Stage): Promise<readonly Candidate[]>;
}
