// The table on a terminal: redrawn in place where that works, row by row otherwise.
import type { Scheme } from "@bunnel/lab/live";
import type { Board, Cell, CellState } from "./board.ts";
import type { Technique } from "./plan.ts";

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface Screen {
  /** Something in the board changed. */
  update(): void;
  /** A technique is done. */
  rowDone(technique: Technique): void;
  /** The table stays as it is; what follows comes below. */
  end(): void;
}

const SYMBOLS: Readonly<Record<CellState, string>> = {
  waiting: "·",
  running: "…",
  served: "✓",
  blocked: "✗",
  reset: "↯",
  wrong: "?",
  mixed: "≠",
  broken: "!",
};

const GREEN = "32";
const RED = "31";
const YELLOW = "33";
const DIM = "2";
const COLOURS: Readonly<Record<CellState, string>> = {
  waiting: DIM,
  running: DIM,
  served: GREEN,
  blocked: RED,
  reset: RED,
  wrong: YELLOW,
  mixed: YELLOW,
  broken: YELLOW,
};

/** The widest word of a cell: symbol, space, "blocked". */
const CELL_WIDTH = 9;
const GAP = "  ";

/** A table needs its own lines and the one below; a terminal that is lower or too narrow gets plain rows. */
export function openScreen(board: Board, output: Output, colour: boolean): Screen {
  const layout = new Layout(board, colour);
  const fits = (output.rows ?? 0) > layout.lines().length && (output.columns ?? 0) >= layout.width;
  return output.isTTY === true && fits ? new RedrawnScreen(layout, output) : new RowScreen(board, layout, output);
}

/** Which words stand where. */
class Layout {
  readonly #titleWidth: number;

  constructor(
    private readonly board: Board,
    private readonly colour: boolean,
  ) {
    this.#titleWidth = Math.max(...board.plan.techniques.map(({ title }) => title.length)) + "https  ".length;
  }

  get width(): number {
    return this.header().length;
  }

  header(): string {
    const names = this.board.plan.columns.map(({ censor }) => censor.padEnd(CELL_WIDTH));
    return ["".padEnd(this.#titleWidth), ...names].join(GAP);
  }

  row(scheme: Scheme, technique: Technique): string {
    const { columns } = this.board.plan;
    const cells = this.board.row(scheme, technique);
    const words = columns.map(({ censor }, i) => this.#cell(cells[i], Math.max(CELL_WIDTH, censor.length)));
    const title = `${scheme.padEnd(5)}  ${technique.title}`.padEnd(this.#titleWidth);
    return [title, ...words].join(GAP);
  }

  lines(): readonly string[] {
    const { schemes, techniques } = this.board.plan;
    const block = (scheme: Scheme) => ["", ...techniques.map((technique) => this.row(scheme, technique))];
    return [this.#paint(DIM, this.header()), ...schemes.flatMap(block), ""];
  }

  #cell(cell: Cell | undefined, width: number): string {
    const state = cell?.state ?? "waiting";
    const word = state === "waiting" ? SYMBOLS.waiting : `${SYMBOLS[state]} ${state}`;
    return this.#paint(COLOURS[state], word.padEnd(width));
  }

  #paint(code: string, text: string): string {
    return this.colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

class RedrawnScreen implements Screen {
  #drawn = 0;

  constructor(
    private readonly layout: Layout,
    private readonly output: Output,
  ) {}

  update(): void {
    const lines = this.layout.lines();
    const up = this.#drawn === 0 ? "" : `\x1b[${this.#drawn}A`;
    this.output.write(up + lines.map((line) => `\x1b[2K${line}\n`).join(""));
    this.#drawn = lines.length;
  }

  rowDone(): void {
    this.update();
  }

  end(): void {
    this.update();
  }
}

class RowScreen implements Screen {
  #started = false;

  constructor(
    private readonly board: Board,
    private readonly layout: Layout,
    private readonly output: Output,
  ) {}

  update(): void {
    if (this.#started) return;
    this.#started = true;
    this.output.write(`${this.layout.header().trimEnd()}\n`);
  }

  rowDone(technique: Technique): void {
    this.update();
    for (const scheme of this.board.plan.schemes) {
      this.output.write(`${this.layout.row(scheme, technique).trimEnd()}\n`);
    }
  }

  end(): void {
    this.output.write("\n");
  }
}
