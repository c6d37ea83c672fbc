// Writes docs/evasion.md: `bun tools/evasion/document.ts`. The words stand here, the figures come from the reviewed
// tables, from the search, from Geneva's list and from what was measured live.
import { join } from "node:path";
import {
  CENSOR_NAMES,
  changesBetween,
  EngineRig,
  galleryEntry,
  GENEVA_NAMES,
  type KeptTable,
  namedStrategies,
} from "@bunnel/lab";
import { EVOLVE_ROUTERS, type Evolved, readEvolved } from "./evolved.ts";
import { GENEVA_CLAIMS, GENEVA_FIELD, type GenevaField, genevaResult } from "./geneva.ts";
import { GENEVA_TREES, genevaTreeResult } from "./geneva-packets.ts";
import { bar, markdown, SIGNS } from "./document-table.ts";
import { liveText } from "./document-live.ts";
import { type LiveTable, readLive } from "./live/table.ts";
import { readSnapshot } from "./snapshot.ts";
import { snapshotPath } from "./tables.ts";
import { AXES_TEXT, CONTRACT_TEXT, GENEVA_TEXT, HEAD_TEXT, SEARCH_TEXT } from "./document-words.ts";

export const EVASION_DOCUMENT_PATH: string = join(import.meta.dirname, "../../docs/evasion.md");

export interface EvasionFacts {
  readonly rig: EngineRig;
  readonly plain: KeptTable;
  readonly strict: KeptTable;
  readonly evolved: readonly Evolved[];
  readonly live: LiveTable | undefined;
}

/** Reads what the document is made of. */
export async function readEvasionFacts(): Promise<EvasionFacts> {
  const table = async (kind: "router-none" | "router-strict") => {
    return readSnapshot(await Bun.file(snapshotPath(kind)).text());
  };
  const [plain, strict] = [await table("router-none"), await table("router-strict")];
  return { rig: await EngineRig.create(), plain, strict, evolved: await readEvolved(), live: await readLive() };
}

/** The text of docs/evasion.md. */
export function evasionDocument(facts: EvasionFacts): string {
  const parts = [
    ...[HEAD_TEXT, "## The table", mainTable(facts.plain)],
    ...["Over a home router that throws away what it calls invalid, these cells are others:", routerTable(facts)],
    ...["## The boxes", boxTable(), AXES_TEXT],
    ...["## Geneva's strategies", genevaText(facts.rig)],
    ...["## Strategies that the search finds", SEARCH_TEXT, evolvedTable(facts.evolved)],
    ...["## Live", liveText(facts.live, facts.rig), "## A censor of your own", CONTRACT_TEXT],
  ];
  return `${parts.join("\n\n")}\n`;
}

function mainTable(table: KeptTable): string {
  const groups = [CENSOR_NAMES.filter((name) => !GENEVA_NAMES.includes(name)), GENEVA_NAMES];
  const strategies = new Map(namedStrategies().map(({ name, strategy }) => [name, strategy]));
  const tables = groups.map((names) => {
    const rows = Object.entries(table).filter(([, cells]) => names.some((name) => (cells[name] ?? "-") !== "-"));
    const head = names.map((name) => galleryEntry(name).id ?? name.replace("geneva-", "G"));
    const lines = rows.map(([strategy, cells]) => {
      return [strategy, ...names.map((name) => SIGNS[cells[name] ?? "-"] ?? "")];
    });
    return markdown(["strategy", ...head], lines);
  });
  const notation = [...strategies]
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => [name, `\`${text}\``]);
  return [...tables, "What the strategies are:", markdown(["strategy", "in the notation"], notation)].join("\n\n");
}

function routerTable({ plain, strict }: EvasionFacts): string {
  const changes = changesBetween(plain, strict);
  const byStrategy = Map.groupBy(changes, ({ strategy }) => strategy);
  const rows = [...byStrategy].map(([strategy, cells]) => {
    const lost = cells.filter(({ was, is }) => was === "served" && is !== "served").map(({ column }) => column);
    const won = cells.filter(({ was, is }) => was !== "served" && is === "served").map(({ column }) => column);
    return [strategy, lost.join(" ") || "none", won.join(" ") || "none"];
  });
  return markdown(["strategy", "no longer passes", "passes now"], rows);
}

function boxTable(): string {
  const rows = CENSOR_NAMES.map((name) => {
    const { id = "", model, scene } = galleryEntry(name);
    return [id, `\`${name}\``, model.says, scene.message + (scene.timestamps ? "" : ", no time stamps")];
  });
  return markdown(["", "name", "hypothesis", "scene"], rows);
}

function genevaText(rig: EngineRig): string {
  const lab = GENEVA_CLAIMS.map(({ dna, strategy, note = "", passes }) => {
    const here = strategy === undefined ? "" : genevaResult(rig, strategy).passes.join(" ");
    const tree = GENEVA_TREES[dna];
    return [
      `\`${bar(dna)}\``,
      strategy === undefined ? `not expressible: ${note}` : `\`${strategy}\``,
      passes.join(" "),
      here,
      tree === undefined ? "" : genevaTreeResult(tree).join(" "),
    ];
  });
  const field = GENEVA_FIELD.map((entry) => fieldRow(rig, entry));
  return [
    GENEVA_TEXT,
    markdown(["Geneva", "bunnel", "passes, says Geneva", "ours passes here", "Geneva's own packets pass here"], lab),
    GENEVA_CLAIMS.flatMap(({ dna, also }) => {
      return also === undefined ? [] : [`\`${bar(dna)}\` passes ${also.passes.join(" and ")} as well, ${also.why}.`];
    }).join("\n"),
    "Those that it found in China, Kazakhstan and India (2019), with their published shares of success there, in per " +
      "cent, and the hypotheses of its laboratory that ours pass:",
    markdown(["Geneva", "bunnel", "CN/KZ/IN", "passes here"], field),
  ].join("\n\n");
}

function fieldRow(rig: EngineRig, { dna, strategy, note, success }: GenevaField): readonly string[] {
  const here = strategy === undefined ? "" : genevaResult(rig, strategy).passes.join(" ") || "none";
  const told = [strategy === undefined ? "not expressible" : `\`${strategy}\``, note].filter(Boolean).join(": ");
  return [`\`${bar(dna)}\``, told, success, here];
}

function evolvedTable(evolved: readonly Evolved[]): string {
  const tables = EVOLVE_ROUTERS.map((wanted) => {
    const rows = evolved
      .filter(({ router }) => router === wanted)
      .map(({ censor, seed, passedIn, generations, connections, seconds, strategy, found, notes }) => [
        `\`${censor}\``,
        strategy === undefined ? "nothing passes" : `\`${strategy}\``,
        found === strategy ? "" : `\`${found}\``,
        notes.map(({ part, kept, why }) => `${kept ? "stays" : "goes"}: \`${part}\`, ${why}`).join("; "),
        String(seed),
        passedIn === undefined ? `none of ${generations}` : String(passedIn),
        String(connections),
        String(seconds),
      ]);
    const head = [
      "box",
      "shortest strategy",
      "found as",
      "why each part",
      "seed",
      "generation",
      "connections",
      "seconds",
    ];
    return `Home router: ${wanted}.\n\n${markdown(head, rows)}`;
  });
  return tables.join("\n\n");
}

if (import.meta.main) {
  await Bun.write(EVASION_DOCUMENT_PATH, evasionDocument(await readEvasionFacts()));
  console.log(`written: ${EVASION_DOCUMENT_PATH}`);
}
