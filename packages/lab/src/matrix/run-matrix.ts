// Every technique against every censor.
import type { Censor } from "../censors/censor.ts";
import type { Transform } from "../link/gateway.ts";
import { CELL_HOST, runCell } from "./run-cell.ts";
import type { CellOptions, CellResult } from "./run-cell.ts";

export interface MatrixTechnique {
  readonly name: string;
  readonly transform: Transform;
}

export interface MatrixOptions extends Omit<CellOptions, "transform" | "censor"> {
  readonly techniques: readonly MatrixTechnique[];
  /** Each makes a censor of its own for a cell. */
  readonly censors: readonly (() => Censor)[];
}

export interface MatrixRow {
  readonly technique: string;
  /** In the order of the censors. */
  readonly cells: readonly CellResult[];
}

export interface Matrix {
  /** What was sent: "tls IPv4 video.example.org". */
  readonly title: string;
  readonly censors: readonly string[];
  readonly rows: readonly MatrixRow[];
}

/** Runs all cells. Each has a seed, and so a port, of its own: a transform with a memory sees different connections. */
export function runMatrix(options: MatrixOptions): Matrix {
  const { techniques, censors, ...cell } = options;
  const first = options.seed ?? 1;
  const rows = techniques.map(({ name, transform }, row) => ({
    technique: name,
    cells: censors.map((make, column) =>
      runCell({ ...cell, transform, censor: make(), seed: first + row * censors.length + column }),
    ),
  }));
  return {
    title: `${options.message} IPv${options.family ?? 4} ${options.host ?? CELL_HOST}`,
    censors: censors.map((make) => make().name),
    rows,
  };
}
