export { EVASION_DOCUMENT_PATH, evasionDocument, type EvasionFacts, readEvasionFacts } from "./document.ts";
export { EVOLVE_CENSORS, EVOLVE_ROUTERS, EVOLVED_PATH, type Evolved, evolveOne, readEvolved } from "./evolved.ts";
export { GENEVA_CLAIMS, type GenevaClaim, type GenevaResult, genevaResult, GENEVA_FIELD } from "./geneva.ts";
export { GENEVA_TREES, type GenevaTree, genevaTreeResult } from "./geneva-packets.ts";
export { checkRow, type RowCheck } from "./live/check.ts";
export { LIVE_CLIENTS, type LiveClient } from "./live/clients.ts";
export { type LiveRow, measureRow, namedStrategy, simulatedColumn, simulatedRow } from "./live/measure.ts";
export { LiveRange } from "./live/range.ts";
export {
  differs,
  explanationOf,
  LIVE_EXPLAINED,
  LIVE_PATH,
  liveCells,
  type LiveCell,
  type LiveCells,
  liveClient,
  type LiveTable,
  readLive,
} from "./live/table.ts";
export { readSnapshot, snapshotText } from "./snapshot.ts";
export { runTable, snapshotPath, TABLES, type TableKind } from "./tables.ts";
