// `bunnel lab matrix`: strategies against boxes, as text, JSON, a page, and packets.
import { join } from "node:path";
import {
  type BoxColumn,
  CELL_LEGEND,
  CensorError,
  EngineRig,
  type EvasionCell,
  evasionCell,
  type EvasionTable,
  flowCapture,
  type NamedStrategy,
  printEvasion,
  runEvasion,
} from "@bunnel/lab";
import { ExitError } from "../service/exit.ts";
import {
  chooseCensors,
  chooseMessage,
  chooseRouter,
  chooseTechniques,
  distinct,
  ownCensor,
  ownStrategy,
  strategiesOfFile,
} from "./choose.ts";
import { htmlPage } from "./html-page.ts";
import { Progress } from "./progress.ts";

export interface MatrixCommandOptions {
  readonly techniques?: string;
  readonly strategy?: readonly string[];
  readonly strategies?: string;
  readonly censors?: string;
  readonly censor?: readonly string[];
  readonly message: string;
  readonly router: string;
  readonly ipv6?: boolean;
  readonly json?: boolean;
  readonly html?: string;
  readonly captures?: string;
}

export async function matrix(options: MatrixCommandOptions): Promise<void> {
  const rows = await rowsOf(options);
  const columns = await columnsOf(options);
  const nat = chooseRouter(options.router);
  const family = options.ipv6 === true ? 6 : 4;
  const rig = await EngineRig.create();
  const progress = new Progress("strategies", rows.length);
  const onRow = () => progress.step();
  const table = held(() => runEvasion(rig, { strategies: rows, columns, nat, family, onRow }));
  progress.end();
  if (options.html !== undefined) await writeFile(options.html, htmlPage(table));
  if (options.captures !== undefined) await writeCaptures(rig, table, options.captures);
  process.stdout.write(options.json === true ? `${JSON.stringify(report(table))}\n` : text(table));
}

async function rowsOf(options: MatrixCommandOptions): Promise<readonly NamedStrategy[]> {
  const own = [
    ...(options.strategy ?? []).map((strategy) => ownStrategy(strategy)),
    ...(options.strategies === undefined ? [] : await strategiesOfFile(options.strategies)),
  ];
  const known = own.length > 0 && options.techniques === undefined ? [] : chooseTechniques(options.techniques);
  return distinct("strategy", [...known, ...own], (one, other) => one.strategy === other.strategy);
}

async function columnsOf(options: MatrixCommandOptions): Promise<readonly BoxColumn[]> {
  const message = chooseMessage(options.message);
  const own: BoxColumn[] = [];
  for (const path of options.censor ?? []) own.push(await ownCensor(path, message));
  const known = own.length > 0 && options.censors === undefined ? [] : chooseCensors(options.censors);
  return distinct("censor", [...known, ...own], (one, other) => !own.includes(one) && !own.includes(other));
}

/** A censor of somebody's own that does not keep to its contract ends the command, by what it did. */
function held<Value>(run: () => Value): Value {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof CensorError) throw new ExitError(`censor ${cause.message}`, 1, { cause });
    throw cause;
  }
}

function text(table: EvasionTable): string {
  return `${printEvasion(table)}\n${CELL_LEGEND}\n`;
}

interface MatrixReport {
  readonly family: 4 | 6;
  readonly router: string;
  readonly censors: readonly { readonly name: string; readonly id?: string; readonly says: string }[];
  readonly rows: readonly {
    readonly name: string;
    readonly strategy?: string;
    readonly cells: Readonly<Record<string, EvasionCell>>;
  }[];
}

function report({ columns, rows, nat, family }: EvasionTable): MatrixReport {
  return {
    family,
    router: nat,
    censors: columns.map(({ name, id, says }) => ({ name, ...(id !== undefined && { id }), says })),
    rows: rows.map(({ name, strategy, cells }) => ({
      name,
      ...(strategy !== undefined && { strategy }),
      cells: Object.fromEntries(columns.map((column, index) => [column.name, cells[index] ?? "-"])),
    })),
  };
}

/** The packets of every cell, each in a file of its own. */
async function writeCaptures(rig: EngineRig, table: EvasionTable, folder: string): Promise<void> {
  for (const { name, strategy, cells } of table.rows) {
    for (const [index, column] of table.columns.entries()) {
      if (cells[index] === "-") continue;
      const named = { name, ...(strategy !== undefined && { strategy }) };
      const { events } = evasionCell(rig, named, column, { nat: table.nat, family: table.family, events: true });
      const file = `${name}-${column.name}`.replaceAll(/[^\w.-]+/g, "_");
      await writeFile(join(folder, `${file}.pcapng`), flowCapture(events));
    }
  }
}

async function writeFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await Bun.write(path, content);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`${path} cannot be written: ${why}`, 1, { cause });
  }
}
