// What was seen live beside what the simulation says: real clients, servers, devices and namespaces, the same models as
// user-space routers between them. `bun tools/evasion/live.ts` measures and writes it down.
import { join } from "node:path";
import type { KeptTable } from "@bunnel/lab";

export const LIVE_PATH: string = join(import.meta.dirname, "../../test/model/live.json");

export interface LiveTable {
  /** Programs and versions that took part. */
  readonly with: Readonly<Record<string, string>>;
  /** Strategy, then box or detector: what came of it. */
  readonly cells: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What was written down last; undefined: nothing yet. */
export async function readLive(): Promise<LiveTable | undefined> {
  const file = Bun.file(LIVE_PATH);
  return (await file.exists()) ? ((await file.json()) as LiveTable) : undefined;
}

export interface LiveDisagreement {
  readonly strategy: string;
  readonly box: string;
  readonly simulated: string;
  readonly live: string;
}

/** Cells that differ for a known reason, which is no fault of model or engine. */
export const LIVE_EXPLAINED: readonly { readonly strategy: string; readonly box: string; readonly why: string }[] = [
  {
    strategy: "ip fragments",
    box: "packet",
    why:
      "the boundary of the fragments is a number of octets that lies within the name of the simulated hello; curl's " +
      "hello is longer before its name, which stays whole in one fragment",
  },
  {
    strategy: "ip fragments",
    box: "iran",
    why:
      "the box sees no fragments, so the first data that it sees is the client's second flight, which does not look " +
      "like the start of a protocol; the simulated client has no second flight",
  },
];

/** Cells that were measured live and came out otherwise than in the simulation: served here and not there. */
export function liveDisagreements(live: LiveTable, simulated: KeptTable): readonly LiveDisagreement[] {
  return Object.entries(live.cells).flatMap(([strategy, boxes]) =>
    Object.entries(boxes).flatMap(([box, outcome]): LiveDisagreement[] => {
      const expected = simulated[strategy]?.[box];
      if (expected === undefined) return [];
      const differs = (expected === "served") !== (outcome === "served");
      return differs ? [{ strategy, box, simulated: expected, live: outcome }] : [];
    }),
  );
}
