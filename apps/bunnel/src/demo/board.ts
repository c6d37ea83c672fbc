// The table of the demonstration while it fills.
import type { CensorName } from "@bunnel/lab";
import type { Outcome, Scheme } from "@bunnel/lab/live";
import type { Column, DemoPlan, Technique } from "./plan.ts";

export type CellState =
  | "waiting"
  | "running"
  | Outcome
  /** The address families differ. */
  | "mixed"
  /** The name that nobody blocks was not served either. */
  | "broken";

export interface Cell {
  readonly state: CellState;
  /** For people: what was seen, where the state alone does not say it. */
  readonly detail?: string;
}

/** One attempt of a client: a family of addresses, a name. */
export interface Attempt {
  readonly label: string;
  readonly name: "blocked" | "allowed";
  readonly outcome: Outcome;
  readonly detail: string;
}

export type Table = Readonly<Record<string, Readonly<Record<string, CellState>>>>;

const WAITING: Cell = { state: "waiting" };

export class Board {
  readonly #cells = new Map<string, Cell>();
  /** Requests for the name that nobody blocks, and how many of them were served. */
  allowedAsked = 0;
  allowedServed = 0;

  /** Called after every change of a cell. */
  changed: () => void = () => undefined;

  constructor(readonly plan: DemoPlan) {}

  cell(scheme: Scheme, technique: Technique, column: Column): Cell {
    return this.#cells.get(key(scheme, technique.title, column.censor)) ?? WAITING;
  }

  /** The cells of a row, in the order of the columns. */
  row(scheme: Scheme, technique: Technique): readonly Cell[] {
    return this.plan.columns.map((column) => this.cell(scheme, technique, column));
  }

  start(scheme: Scheme, technique: Technique, column: Column): void {
    this.#put(scheme, technique, column, { state: "running" });
  }

  /** Sets a cell by what its clients saw. */
  finish(scheme: Scheme, technique: Technique, column: Column, attempts: readonly Attempt[]): void {
    const allowed = attempts.filter(({ name }) => name === "allowed");
    this.allowedAsked += allowed.length;
    this.allowedServed += allowed.filter(({ outcome }) => outcome === "served").length;
    this.#put(scheme, technique, column, cellOf(attempts));
  }

  /** State by technique and censor. */
  table(scheme: Scheme): Table {
    const { techniques, columns } = this.plan;
    const row = (technique: Technique) =>
      Object.fromEntries(columns.map((column) => [column.censor, this.cell(scheme, technique, column).state]));
    return Object.fromEntries(techniques.map((technique) => [technique.title, row(technique)]));
  }

  /** "https, disorder, packet: …" for each cell that has more to say than its state. */
  details(): readonly string[] {
    return [...this.#cells].flatMap(([place, { state, detail }]) =>
      detail === undefined ? [] : [`${place.replaceAll("|", ", ")}: ${state}, ${detail}`],
    );
  }

  #put(scheme: Scheme, technique: Technique, column: Column, cell: Cell): void {
    this.#cells.set(key(scheme, technique.title, column.censor), cell);
    this.changed();
  }
}

function key(scheme: Scheme, title: string, censor: CensorName): string {
  return `${scheme}|${title}|${censor}`;
}

/** A cell has one state only where all its clients agree. */
function cellOf(attempts: readonly Attempt[]): Cell {
  const failed = attempts.find(({ name, outcome }) => name === "allowed" && outcome !== "served");
  if (failed)
    return { state: "broken", detail: `the allowed name over ${failed.label} was ${failed.outcome}: ${failed.detail}` };
  const [first, ...others] = attempts.filter(({ name }) => name === "blocked");
  if (first === undefined) return WAITING;
  if (others.some(({ outcome }) => outcome !== first.outcome)) {
    return { state: "mixed", detail: [first, ...others].map(({ label, outcome }) => `${label} ${outcome}`).join(", ") };
  }
  return first.outcome === "wrong" ? { state: "wrong", detail: first.detail } : { state: first.outcome };
}
