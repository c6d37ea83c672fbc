export { FLOOD_SENDER, type FloodKind } from "./flood-sender.ts";
export type { CallResult } from "./endpoint.ts";
export type { Transfer } from "./tcp-transfer.ts";
export { A, B, countersOf, TwoHosts, type Carried, type PathOptions } from "./two-hosts.ts";
