// The result of a demonstration as data.
import type { HopLimits, LevelFinding } from "@bunnel/lab/live";
import type { Scheme } from "@bunnel/lab/live";
import type { Board, Table } from "./board.ts";
import type { Column, Technique } from "./plan.ts";
import { judgeDemo } from "./verdict.ts";

export interface DemoReport {
  readonly level: LevelFinding["level"];
  /** Why this level and no other. */
  readonly reason: string;
  readonly passed: boolean;
  readonly summary: string;
  readonly seconds: number;
  /** How far packets get, as measured; undefined where they are simulated. */
  readonly hopLimits?: HopLimits;
  readonly techniques: readonly { readonly title: string; readonly strategy: string | null }[];
  readonly censors: readonly Column[];
  /** Cell states by scheme, technique and censor. */
  readonly tables: Readonly<Partial<Record<Scheme, Table>>>;
  /** One line for each cell that is not plain. */
  readonly details: readonly string[];
}

export interface ReportInput {
  readonly finding: LevelFinding;
  readonly board: Board;
  readonly hopLimits: HopLimits | undefined;
  readonly elapsedMs: number;
}

export function reportOf({ finding, board, hopLimits, elapsedMs }: ReportInput): DemoReport {
  const { passed, summary } = judgeDemo(board);
  const { techniques, columns, schemes } = board.plan;
  return {
    ...finding,
    passed,
    summary,
    seconds: Math.round(elapsedMs / 100) / 10,
    ...(hopLimits === undefined ? {} : { hopLimits }),
    techniques: techniques.map(({ title, strategy }: Technique) => ({ title, strategy: strategy ?? null })),
    censors: columns,
    tables: Object.fromEntries(schemes.map((scheme) => [scheme, board.table(scheme)])),
    details: board.details(),
  };
}
