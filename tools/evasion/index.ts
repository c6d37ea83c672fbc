export { EVASION_DOCUMENT_PATH, evasionDocument, type EvasionFacts, readEvasionFacts } from "./document.ts";
export { EVOLVE_CENSORS, EVOLVED_PATH, type Evolved, evolveOne, readEvolved } from "./evolved.ts";
export { GENEVA_CLAIMS, type GenevaClaim, type GenevaResult, genevaResult, GENEVA_FIELD } from "./geneva.ts";
export { LIVE_EXPLAINED, LIVE_PATH, type LiveTable, liveDisagreements, readLive } from "./live-table.ts";
export { readSnapshot, snapshotText } from "./snapshot.ts";
export { runTable, snapshotPath, TABLES, type TableKind } from "./tables.ts";
