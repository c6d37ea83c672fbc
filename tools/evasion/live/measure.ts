// Measures rows of the live table, and has the simulation's word for the same cells.
import {
  type BoxColumn,
  type CensorName,
  type EngineRig,
  type EvasionCell,
  evasionCell,
  galleryColumns,
  galleryEntry,
  type NamedStrategy,
  namedStrategies,
} from "@bunnel/lab";
import type { Outcome } from "@bunnel/lab/live";
import type { LiveClient } from "./clients.ts";
import type { LiveRange } from "./range.ts";

const PATIENCE_MS = 4000;
const AT_ONCE = 6;
/** How long a cell gets at least that differs from the simulation: the machine may have been busy. */
const AGAIN_MS = 15_000;

/** Which cells of a client to measure. */
export interface LiveRow {
  readonly client: LiveClient;
  readonly strategy: string;
  readonly boxes: readonly CensorName[];
  /** How long the client may take. Default: its own patience. */
  readonly patienceMs?: number;
}

/** Outcomes by box. A cell that differs from `expected` is measured once more, alone and with more time. */
export async function measureRow(
  range: LiveRange,
  row: LiveRow,
  expected: Readonly<Record<string, EvasionCell>>,
): Promise<Readonly<Record<string, Outcome>>> {
  const { strategy, boxes } = row;
  await using _service = await startStrategy(range, strategy);
  const cells: Record<string, Outcome> = {};
  for (const timestamps of [true, false]) {
    const watched = boxes.filter((box) => galleryEntry(box).scene.timestamps === timestamps);
    if (watched.length === 0) continue;
    range.lab.setTimestamps(timestamps);
    await range.lab.setCensors(watched);
    Object.assign(cells, await askAll(range, row, watched));
    for (const [place, box] of watched.entries()) {
      if ((cells[box] === "served") === (expected[box] === "served")) continue;
      await range.lab.setCensors(watched);
      cells[box] = await askOnce(range, row, { box, place, leastMs: AGAIN_MS });
    }
  }
  range.lab.setTimestamps(true);
  return Object.fromEntries(boxes.map((box) => [box, cells[box] ?? "wrong"]));
}

/** The program with one strategy for everything; undefined: the row is the one without. */
export function startStrategy(range: LiveRange, name: string) {
  const { strategy } = namedStrategy(name, range.lab.hopLimits.censor);
  return strategy === undefined ? Promise.resolve(undefined) : range.lab.up({ strategy });
}

async function askAll(range: LiveRange, row: LiveRow, boxes: readonly CensorName[]): Promise<Record<string, Outcome>> {
  const cells: Record<string, Outcome> = {};
  const waiting = [...boxes.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [place, box] = next;
      cells[box] = await askOnce(range, row, { box, place });
    }
  };
  await Promise.all(Array.from({ length: row.client.atOnce ?? AT_ONCE }, work));
  return cells;
}

export interface Asked {
  readonly box: CensorName;
  /** The address of the server that the box watches. */
  readonly place: number;
  /** So much time it gets at least. */
  readonly leastMs?: number;
}

/** One request. */
export function askOnce(range: LiveRange, row: LiveRow, { box, place, leastMs = 0 }: Asked): Promise<Outcome> {
  const { client } = row;
  const timeoutMs = Math.max(leastMs, row.patienceMs ?? client.patienceMs ?? PATIENCE_MS);
  const long = galleryEntry(box).scene.answerBytes !== undefined;
  return client.ask(range, { place, timeoutMs, long });
}

/** What the simulation says of the same row. */
export function simulatedRow(rig: EngineRig, { client, strategy, boxes }: LiveRow): Record<string, EvasionCell> {
  return Object.fromEntries(
    boxes.map((box) => [box, evasionCell(rig, namedStrategy(strategy), simulatedColumn(client, box), {}).outcome]),
  );
}

/** The box in the scene of a client. */
export function simulatedColumn({ scene }: LiveClient, box: CensorName): BoxColumn {
  const [column] = galleryColumns([box]);
  if (column === undefined) throw new Error(`box ${box}: expected it in the gallery, found none`);
  return { ...column, scene: { ...column.scene, ...scene } };
}

/** @throws Error when there is no row of that name */
export function namedStrategy(name: string, ttl?: number): NamedStrategy {
  const found = namedStrategies(ttl).find((named) => named.name === name);
  if (found === undefined) throw new Error(`strategy ${name}: expected it in the list, found none`);
  return found;
}
