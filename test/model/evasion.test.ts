// The evasion tables against the reviewed ones. A cell that changed fails here, says which it is, and leaves the
// packets of that connection as a pcapng to open. Where the change is right:
//
//   bun tools/evasion/review.ts     writes the tables anew; look at the difference before you commit it
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  changesBetween,
  type CellChange,
  EngineRig,
  evasionCell,
  type EvasionTable,
  flowCapture,
  keptTable,
} from "@bunnel/lab";
import { readSnapshot, runTable, snapshotPath, snapshotText, TABLES, type TableKind } from "@bunnel/tools/evasion";

let rig: EngineRig;
let broken: string | undefined;
beforeAll(async () => {
  rig = await EngineRig.create();
});
afterAll(() => {
  if (broken !== undefined) console.error(`the packets of changed cells are in ${broken}`);
});

/** Writes the packets of the changed cells; returns a line for each. */
async function describeChanges(
  kind: TableKind,
  table: EvasionTable,
  changes: readonly CellChange[],
): Promise<string[]> {
  broken ??= mkdtempSync(join(tmpdir(), "bunnel-evasion-"));
  const lines: string[] = [];
  for (const { strategy, column, was, is } of changes) {
    const row = table.rows.find(({ name }) => name === strategy);
    const box = table.columns.find(({ name }) => name === column);
    let file = "no flow";
    if (row !== undefined && box !== undefined) {
      const named = { name: row.name, ...(row.strategy !== undefined && { strategy: row.strategy }) };
      const { events } = evasionCell(rig, named, box, { nat: table.nat, family: table.family, events: true });
      file = join(broken, `${kind}-${strategy}-${column}.pcapng`.replaceAll(/[^\w.-]+/g, "_"));
      await Bun.write(file, flowCapture(events));
    }
    lines.push(`${strategy} against ${column}: was ${was ?? "not there"}, is ${is ?? "not there"} (${file})`);
  }
  return lines;
}

describe.each(TABLES)("the evasion table, %s", (kind) => {
  test("is the reviewed one", async () => {
    const table = runTable(rig, kind);
    const text = await Bun.file(snapshotPath(kind)).text();
    const changes = changesBetween(readSnapshot(text), keptTable(table));
    expect(await describeChanges(kind, table, changes)).toEqual([]);
    expect(snapshotText(table)).toBe(text);
  });

  test("nothing passes the strict box", () => {
    const table = runTable(rig, kind);
    const column = table.columns.findIndex(({ name }) => name === "strict");
    const outcomes = new Set(table.rows.map(({ cells }) => cells[column]));
    expect(outcomes).toEqual(new Set(["blocked", "-"]));
  });

  test("every strategy serves where nobody watches, but for those that say so", () => {
    const table = runTable(rig, kind);
    const open = table.columns.findIndex(({ name }) => name === "(no-box)");
    for (const { name, cells } of table.rows) {
      expect({ name, cell: cells[open] }).toEqual({ name, cell: cells[open] === "-" ? "-" : "served" });
    }
  });
});

test("a changed cell is found, named and written as packets", async () => {
  const table = runTable(rig, "router-none");
  const kept = structuredClone(keptTable(table)) as Record<string, Record<string, string>>;
  const row = kept["disorder"] ?? {};
  row["inorder"] = "blocked";
  const changes = changesBetween(kept as ReturnType<typeof keptTable>, keptTable(table));
  expect(changes).toEqual([{ strategy: "disorder", column: "inorder", was: "blocked", is: "served" }]);
  const [line = ""] = await describeChanges("router-none", table, changes);
  broken = undefined;
  const path = /\((.*)\)$/.exec(line)?.[1] ?? "";
  expect(await Bun.file(path).exists()).toBe(true);
  await Bun.file(path).delete();
});
