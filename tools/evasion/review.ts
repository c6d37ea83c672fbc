// Writes the reviewed tables anew: `bun tools/evasion/review.ts`. Look at the difference before you commit it.
import { EngineRig } from "@bunnel/lab";
import { snapshotText } from "./snapshot.ts";
import { runTable, snapshotPath, TABLES } from "./tables.ts";

const rig = await EngineRig.create();
for (const kind of TABLES) {
  await Bun.write(snapshotPath(kind), snapshotText(runTable(rig, kind)));
  console.log(`written: ${snapshotPath(kind)}`);
}
