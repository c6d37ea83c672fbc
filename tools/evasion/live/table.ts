// What was seen live: real clients, servers, devices and namespaces, the models as user-space routers between them.
// `bun tools/evasion/live.ts` measures and writes it down; the simulation's word for the same cells is worked out anew.
import { join } from "node:path";
import type { CensorName, EngineRig, EvasionCell } from "@bunnel/lab";
import { LIVE_CLIENTS, type LiveClient } from "./clients.ts";
import { simulatedRow } from "./measure.ts";

export const LIVE_PATH: string = join(import.meta.dirname, "../../../test/model/live.json");

/** Strategy, then box or detector: what came of it. */
export type LiveCells = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface LiveTable {
  /** Programs and versions that took part. */
  readonly with: Readonly<Record<string, string>>;
  /** By name of the client. */
  readonly clients: Readonly<Record<string, LiveCells>>;
  /** By name of the client: what detectors found in its connections. */
  readonly detectors: Readonly<Record<string, LiveCells>>;
}

/** What was written down last; undefined: nothing yet. */
export async function readLive(): Promise<LiveTable | undefined> {
  const file = Bun.file(LIVE_PATH);
  return (await file.exists()) ? ((await file.json()) as LiveTable) : undefined;
}

/** The client of that name. @throws Error when there is none */
export function liveClient(name: string): LiveClient {
  const found = LIVE_CLIENTS.find((client) => client.name === name);
  if (found === undefined) throw new Error(`client ${name}: expected it in the list, found none`);
  return found;
}

export interface LiveCell {
  readonly client: string;
  readonly strategy: string;
  readonly box: CensorName;
  readonly simulated: EvasionCell;
  readonly live: string;
}

/** All cells that were measured, each with the simulation's word. */
export function liveCells(rig: EngineRig, { clients }: LiveTable): readonly LiveCell[] {
  return Object.entries(clients).flatMap(([name, cells]) => {
    const client = liveClient(name);
    return Object.entries(cells).flatMap(([strategy, row]) => {
      const boxes = Object.keys(row) as CensorName[];
      const simulated = simulatedRow(rig, { client, strategy, boxes });
      return boxes.map((box): LiveCell => {
        return { client: name, strategy, box, simulated: simulated[box] ?? "-", live: row[box] ?? "" };
      });
    });
  });
}

/** Whether it came out otherwise than in the simulation: served here and not there. */
export function differs({ simulated, live }: Pick<LiveCell, "simulated" | "live">): boolean {
  return (simulated === "served") !== (live === "served");
}

interface Explanation {
  readonly strategy: string;
  readonly boxes: readonly CensorName[];
  /** Default: all. */
  readonly clients?: readonly string[];
  readonly why: string;
  /** It does not differ every time: the client leaves something to chance. */
  readonly isByChance?: boolean;
}

/** Cells that differ for a known reason, which is no fault of model or engine. */
export const LIVE_EXPLAINED: readonly Explanation[] = [
  {
    strategy: "ip fragments",
    boxes: ["packet"],
    why:
      "the boundary of the fragments is a number of octets that lies within the name of the simulated message; in " +
      "curl's the name stands elsewhere and stays whole in one fragment",
  },
  {
    strategy: "ip fragments",
    boxes: ["iran", "allow-list"],
    why:
      "the box reads no fragments, so the first data that it sees is the client's second flight, which does not look " +
      "like the start of a protocol; the simulated client has no second flight",
  },
  {
    strategy: "fakedsplit ttl",
    boxes: ["tspu"],
    clients: ["Chromium"],
    isByChance: true,
    why:
      "Chromium orders its extensions by chance. Where the name comes to lie in the second segment, the piece before " +
      "it takes two packets, and so do the zeros that are sent first in its place: the box looks at two packets, " +
      "knows neither, and freezes the connection after 16 KiB",
  },
];

/** Why the cell differs; undefined: nobody knows. */
export function explanationOf({ client, strategy, box }: LiveCell): string | undefined {
  return LIVE_EXPLAINED.find((known) => {
    return known.strategy === strategy && known.boxes.includes(box) && (known.clients?.includes(client) ?? true);
  })?.why;
}
