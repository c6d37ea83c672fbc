// Writes the reviewed tables anew: `bun test/model/review.ts`.
import { EngineRig } from "@bunnel/lab";
import { snapshotText } from "./snapshot.ts";
import { runTable, TABLES } from "./tables.ts";

const rig = await EngineRig.create();
for (const kind of TABLES) {
  const path = new URL(`./${kind}.txt`, import.meta.url);
  await Bun.write(path, snapshotText(runTable(rig, kind)));
  console.log(`written: ${path.pathname}`);
}
