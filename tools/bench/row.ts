// One line of a result: a figure of ours beside its reference.
import { compare, comparePaired, type Comparison } from "./statistics.ts";

/** What the design promises: for a ratio, for a difference, or for our figure alone. */
export interface Budget {
  readonly of: "ratio" | "difference" | "ours";
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Row extends Comparison {
  readonly suite: string;
  readonly name: string;
  /** What the reference is: "C", "C, burst of 64", "bare path"… */
  readonly against: string;
  readonly unit: string;
  readonly budget?: Budget;
}

export type RowLabel = Pick<Row, "suite" | "name" | "against" | "unit" | "budget">;

export function rowOf(label: RowLabel, reference: readonly number[], ours: readonly number[]): Row {
  return { ...label, ...compare(reference, ours) };
}

/** The same for rounds whose two runs followed each other closely. */
export function pairedRowOf(label: RowLabel, reference: readonly number[], ours: readonly number[]): Row {
  return { ...label, ...comparePaired(reference, ours) };
}

/** Whether the row keeps its budget; undefined: it has none. */
export function isWithin(row: Row): boolean | undefined {
  if (row.budget === undefined) return undefined;
  const value = { ratio: row.ratio, difference: row.difference ?? row.ours - row.reference, ours: row.ours }[
    row.budget.of
  ];
  return value >= (row.budget.atLeast ?? -Infinity) && value <= (row.budget.atMost ?? Infinity);
}
