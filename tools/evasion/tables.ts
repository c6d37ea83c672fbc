// The tables that are kept under review.
import { join } from "node:path";
import {
  type BoxColumn,
  type EngineRig,
  type EvasionTable,
  galleryColumns,
  type NatKind,
  namedStrategies,
  openColumn,
  runEvasion,
} from "@bunnel/lab";

export const TABLES = ["router-none", "router-lenient", "router-strict", "router-none-ipv6"] as const;
export type TableKind = (typeof TABLES)[number];

/** Where the reviewed table stands. */
export function snapshotPath(kind: TableKind): string {
  return join(import.meta.dirname, "../../test/model", `${kind}.txt`);
}

/** Servers without a box before them, then the gallery. */
export function reviewedColumns(): readonly BoxColumn[] {
  return [
    openColumn(),
    openColumn({ message: "tls", timestamps: true, stack: "windows" }, "(no-box,windows)"),
    ...galleryColumns(),
  ];
}

export function runTable(rig: EngineRig, kind: TableKind): EvasionTable {
  const isIpv6 = kind.endsWith("-ipv6");
  const nat = kind.replace("router-", "").replace("-ipv6", "") as NatKind;
  const options = { strategies: namedStrategies(), columns: reviewedColumns() };
  return runEvasion(rig, { ...options, nat, family: isIpv6 ? 6 : 4 });
}
