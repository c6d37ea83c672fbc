export { BlockedNames } from "./censors/blocked-names.ts";
export type * from "./censors/axes.ts";
export { makeBox } from "./censors/axis-censor.ts";
export type { Model } from "./censors/axis-censor.ts";
export { CENSOR_EXAMPLE, CENSOR_KIT, CensorError, importCensor } from "./censors/own-censor.ts";
export type {
  Censor,
  CensorKit,
  CensorMaker,
  CensorOptions,
  Direction,
  Injection,
  Judgement,
  Reaction,
} from "./censors/censor.ts";
export { FLOW_IDLE_MS, FLOWS_MAX } from "./censors/flow-table.ts";
export { CENSOR_NAMES, galleryEntry, GENEVA_NAMES, isCensorName, makeCensor } from "./censors/gallery.ts";
export type { CensorName, GalleryEntry, QuicSpread, Scene } from "./censors/gallery.ts";
export { liveModel, LONG_ANSWER_NAMES } from "./censors/live-gallery.ts";
export type { LiveCensorName } from "./censors/live-gallery.ts";
export { Endpoint } from "./endpoint.ts";
export type { EndpointOptions } from "./endpoint.ts";
export { EndpointFlow, HTTP_ANSWER, TLS_ANSWER } from "./endpoint-flow.ts";
export type { EndpointState } from "./endpoint-flow.ts";
export { Client } from "./link/client.ts";
export type { ClientOptions, ClientState } from "./link/client.ts";
export type { Host } from "./link/host.ts";
export { Link } from "./link/link.ts";
export type { LinkOptions, LinkParts, LinkReport } from "./link/link.ts";
export { gatewayOf, PLAIN_GATEWAY } from "./link/gateway.ts";
export type { Gateway, Send, Transform } from "./link/gateway.ts";
export { SeededRandom } from "./link/random.ts";
export type { PacketCounts, PacketEvent, PacketFate } from "./link/trace.ts";
export { printMatrix } from "./matrix/print-matrix.ts";
export { referenceTechniques } from "./matrix/reference-techniques.ts";
export { CELL_HOST, runCell } from "./matrix/run-cell.ts";
export type { CellOptions, CellResult, Outcome } from "./matrix/run-cell.ts";
export { runMatrix } from "./matrix/run-matrix.ts";
export type { Matrix, MatrixOptions, MatrixRow, MatrixTechnique } from "./matrix/run-matrix.ts";
export { EngineGateway } from "./link/engine-gateway.ts";
export type { EngineGatewayOptions } from "./link/engine-gateway.ts";
export { LINK_HOPS_AFTER, LINK_HOPS_BEFORE } from "./link/link.ts";
export type { NatKind } from "./link/nat.ts";
export { EngineRig, strategyTable } from "./matrix/engine-rig.ts";
export { concerns, evasionCell, galleryColumns, openColumn, ownColumn, runEvasion } from "./matrix/evasion-table.ts";
export type { BoxColumn, EvasionCell, EvasionOptions, EvasionRow, EvasionTable } from "./matrix/evasion-table.ts";
export { flowCapture } from "./matrix/flow-capture.ts";
export { CELL_LEGEND, CELL_LETTERS, changesBetween, keptTable, printEvasion } from "./matrix/print-evasion.ts";
export type { CellChange, KeptTable } from "./matrix/print-evasion.ts";
export { namedStrategies, SIMULATED_DECOY_TTL } from "./matrix/techniques.ts";
export type { NamedStrategy } from "./matrix/techniques.ts";
export { evolve } from "./evolve/evolve.ts";
export type { EvolveOptions, EvolveResult, GenerationReport } from "./evolve/evolve.ts";
export type { Opponent } from "./evolve/evaluate.ts";
export type { PruneNote } from "./evolve/prune.ts";
