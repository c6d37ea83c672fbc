// The part of docs/evasion.md about what was seen live: a table for each client, simulated and live side by side.
import type { EngineRig, EvasionCell } from "@bunnel/lab";
import {
  type LiveCell,
  type LiveCells,
  differs,
  explanationOf,
  liveCells,
  liveClient,
  type LiveTable,
} from "./live/table.ts";
import { markdown, SIGNS } from "./document-table.ts";
import { LIVE_TEXT } from "./document-words.ts";

/** How a live outcome is written; one that no honest way brings is written as forged. */
const LIVE_SIGNS: Readonly<Record<string, string>> = { ...SIGNS, wrong: SIGNS["forged"] ?? "" };

/** The whole section. */
export function liveText(live: LiveTable | undefined, rig: EngineRig): string {
  if (live === undefined) return "Nothing was measured yet.";
  const programs = Object.entries(live.with).map(([name, version]) => `${name} ${version}`);
  const cells = liveCells(rig, live);
  const tables = [...Map.groupBy(cells, ({ client }) => client)].flatMap(([client, own]) => {
    return [`### ${client}`, `${liveClient(client).about}.`, clientTable(own)];
  });
  const detectors = Object.entries(live.detectors).flatMap(([client, found]) => {
    return [`${client}:`, detectorTable(found)];
  });
  return [
    LIVE_TEXT,
    `With ${programs.join(", ")}.`,
    verdict(cells),
    ...tables,
    "### Detectors",
    DETECTORS_TEXT,
    ...detectors,
  ].join("\n\n");
}

const DETECTORS_TEXT =
  'Whether the blocked name was found in a capture of the connection ("name") or not ("hidden"), and what the ' +
  "kernel's own string match made of it as a firewall rule; first, what came of it where nobody watches.";

function clientTable(cells: readonly LiveCell[]): string {
  const boxes = [...new Set(cells.map(({ box }) => box))];
  const rows = [...Map.groupBy(cells, ({ strategy }) => strategy)].map(([strategy, own]) => {
    const signs = own.map(({ simulated, live }) => `${sign(simulated)} ${LIVE_SIGNS[live] ?? live}`);
    return [strategy, ...signs];
  });
  return markdown(["strategy", ...boxes], rows);
}

function sign(simulated: EvasionCell): string {
  return SIGNS[simulated] ?? "?";
}

function detectorTable(detectors: LiveCells): string {
  const names = [...new Set(Object.values(detectors).flatMap((cells) => Object.keys(cells)))];
  const rows = Object.entries(detectors).map(([strategy, cells]) => [
    strategy,
    ...names.map((name) => cells[name] ?? ""),
  ]);
  return markdown(["strategy", ...names], rows);
}

/** How many cells agree, and why the others do not. */
function verdict(cells: readonly LiveCell[]): string {
  const others = cells.filter(differs);
  const agree = `${cells.length} cells were measured; in ${cells.length - others.length} of them the page was served`;
  if (others.length === 0) return `${agree} where the simulation says so and nowhere else.`;
  const reasons = others.map((cell) => {
    const { client, strategy, box } = cell;
    return `- ${client}: ${strategy} against ${box}: ${explanationOf(cell) ?? "not explained"}.`;
  });
  return [`${agree} where the simulation says so and nowhere else. The others:`, ...reasons].join("\n");
}
