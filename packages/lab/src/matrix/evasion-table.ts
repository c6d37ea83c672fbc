// The evasion table: every strategy against every box, each box in the scene in which it shows what it does.
import { parseStrategy } from "@bunnel/profile";
import { CENSOR_NAMES, galleryEntry, makeCensor } from "../censors/gallery.ts";
import type { CensorName, Scene } from "../censors/gallery.ts";
import type { Censor, CensorMaker } from "../censors/censor.ts";
import { CENSOR_KIT } from "../censors/own-censor.ts";
import { LINK_HOPS_AFTER } from "../link/link.ts";
import type { NatKind } from "../link/nat.ts";
import type { EngineRig } from "./engine-rig.ts";
import { strategyTable } from "./engine-rig.ts";
import { CELL_HOST, runCell } from "./run-cell.ts";
import type { CellOptions, CellResult, Outcome } from "./run-cell.ts";
import { streamPieces } from "./stream-pieces.ts";
import type { StreamPieces } from "./stream-pieces.ts";
import type { NamedStrategy } from "./techniques.ts";

/** A column: a box and the scene that it watches. */
export interface BoxColumn {
  readonly name: string;
  /** C1 to C14. */
  readonly id?: string;
  readonly says: string;
  readonly scene: Scene;
  /** Undefined: nobody watches. */
  readonly make: (() => Censor) | undefined;
}

/** "-": the strategy says nothing about such messages. */
export type EvasionCell = Outcome | "-";

export interface EvasionRow {
  readonly name: string;
  readonly strategy: string | undefined;
  /** In the order of the columns. */
  readonly cells: readonly EvasionCell[];
}

export interface EvasionTable {
  readonly nat: NatKind;
  readonly family: 4 | 6;
  readonly columns: readonly BoxColumn[];
  readonly rows: readonly EvasionRow[];
}

export interface EvasionOptions {
  readonly strategies: readonly NamedStrategy[];
  readonly columns: readonly BoxColumn[];
  readonly nat?: NatKind;
  readonly family?: 4 | 6;
  /** Default 1. */
  readonly seed?: number;
  /** Called when a row is done. */
  readonly onRow?: (row: EvasionRow) => void;
}

const OPTIONS = { blocked: [CELL_HOST], hopsToServer: LINK_HOPS_AFTER };
const TLS: Scene = { message: "tls", timestamps: true };

/** The columns of the gallery, by name. Default: all of them. */
export function galleryColumns(names: readonly CensorName[] = CENSOR_NAMES): readonly BoxColumn[] {
  return names.map((name) => {
    const { id, scene, model } = galleryEntry(name);
    const make = () => makeCensor(name, OPTIONS);
    return { name, ...(id !== undefined && { id }), says: model.says, scene, make };
  });
}

/** A column without a box: what does not come through here is broken, whatever the boxes say. */
export function openColumn(scene: Scene = TLS, name = "(no-box)"): BoxColumn {
  return { name, says: "Nobody watches.", scene, make: undefined };
}

/** A column of a censor that somebody wrote. */
export function ownColumn(maker: CensorMaker, message: Scene["message"] = "tls"): BoxColumn {
  const make = () => maker(OPTIONS, CENSOR_KIT);
  const { name, says } = make();
  return { name, says, scene: { message, timestamps: true }, make };
}

/**
 * Runs all cells. Equal options give equal tables.
 * @throws ProfileError for a strategy that is none
 */
export function runEvasion(rig: EngineRig, options: EvasionOptions): EvasionTable {
  const { columns, nat = "none", family = 4 } = options;
  const rows = options.strategies.map((named): EvasionRow => {
    const cells = columns.map((column) => {
      return concerns(named, column.scene) ? evasionCell(rig, named, column, options).outcome : "-";
    });
    const row: EvasionRow = { name: named.name, strategy: named.strategy, cells };
    options.onRow?.(row);
    return row;
  });
  return { nat, family, columns, rows };
}

/** One cell with all that happened in it; with `events` every packet. */
export function evasionCell(
  rig: EngineRig,
  { strategy }: NamedStrategy,
  { scene, make }: BoxColumn,
  options: Pick<EvasionOptions, "nat" | "family" | "seed"> & { readonly events?: boolean },
): CellResult {
  const { table, pieces } = strategy === undefined ? UNTOUCHED : preparedFor(strategy);
  rig.load(table);
  const censor = make?.();
  const { message, timestamps, answerBytes, stack, keyShareBytes, spread } = scene;
  const cell: CellOptions = {
    gateway: rig.gateway,
    message,
    timestamps,
    seed: options.seed ?? 1,
    family: options.family ?? 4,
    link: { nat: options.nat ?? "none", events: options.events ?? false },
    ...(censor !== undefined && { censor }),
    ...(pieces !== undefined && { pieces }),
    ...(answerBytes !== undefined && { answerBytes }),
    ...(stack !== undefined && { stack }),
    ...(keyShareBytes !== undefined && { hello: { keyShareBytes } }),
    ...(spread !== undefined && { spread }),
  };
  return runCell(cell);
}

/** Whether the strategy says something about messages of the scene, or about the SYN before them. */
export function concerns({ strategy }: NamedStrategy, { message }: Scene): boolean {
  if (strategy === undefined) return true;
  if (strategy.startsWith("preset:")) return true;
  const kinds = parseStrategy(strategy).clauses.map(({ kind }) => kind);
  const isStream = message === "tls" || message === "http";
  return kinds.some((kind) => kind === message || (kind === "syn" && isStream));
}

/** A strategy as it is carried out: by the engine, or by sockets. */
interface Prepared {
  readonly table?: Uint8Array;
  readonly pieces?: StreamPieces;
}
const UNTOUCHED: Prepared = {};

const prepared = new Map<string, Prepared>();
/** Strategies that are kept: the same one meets many boxes. */
const PREPARED_MAX = 16;

function preparedFor(strategy: string): Prepared {
  const known = prepared.get(strategy);
  if (known !== undefined) return known;
  if (prepared.size >= PREPARED_MAX) prepared.clear();
  const pieces = streamPieces(strategy);
  const made = pieces === undefined ? { table: strategyTable(strategy) } : { pieces };
  prepared.set(strategy, made);
  return made;
}
