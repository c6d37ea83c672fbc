// One line of a result: a figure of ours beside its reference.
import { compare, type Comparison } from "./statistics.ts";

/** What the design promises for a ratio, or for a difference where `of` says so. */
export interface Budget {
  readonly of: "ratio" | "difference";
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

/** Whether the row keeps its budget; undefined: it has none. */
export function isWithin(row: Row): boolean | undefined {
  if (row.budget === undefined) return undefined;
  const value = row.budget.of === "ratio" ? row.ratio : row.ours - row.reference;
  return value >= (row.budget.atLeast ?? -Infinity) && value <= (row.budget.atMost ?? Infinity);
}
