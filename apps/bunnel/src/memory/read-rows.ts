// Rows of the database as what they mean.
import type { Database } from "bun:sqlite";
import type { Evidence, HostMemory, NetworkMemory, Symptom, Tried } from "./contract.ts";
import { scoreOf } from "./score.ts";

/** A row of `tried`, as the columns are called. */
export interface TriedRow {
  readonly network: string;
  readonly host: string;
  readonly strategy: string;
  readonly good: number;
  readonly bad: number;
  readonly weighed_at: number;
  readonly worked: number;
  readonly failed: number;
  readonly worked_at: number | null;
  readonly failed_at: number | null;
  readonly how: string;
  readonly symptom: string | null;
}

interface HostRow {
  readonly network: string;
  readonly host: string;
  readonly pinned: string | null;
  readonly seen_at: number;
}

const ONE_HOST = "SELECT * FROM host WHERE network = ?1 AND host = ?2";
const TRIED_OF_HOST = "SELECT * FROM tried WHERE network = ?1 AND host = ?2";
const HOSTS = "SELECT * FROM host WHERE ?1 IS NULL OR network = ?1 ORDER BY seen_at DESC, host, network";
const NETWORKS = `SELECT fingerprint, label, seen_at, (SELECT count(*) FROM host WHERE network = fingerprint) AS hosts
  FROM network ORDER BY seen_at DESC, fingerprint`;

/** Undefined: nothing is known of it. */
export function readHost(database: Database, network: string, host: string, now: number): HostMemory | undefined {
  const row = database.query<HostRow, [string, string]>(ONE_HOST).get(network, host);
  return row ? hostOf(database, row, now) : undefined;
}

/** Those seen last first. Undefined: of all networks. */
export function readHosts(database: Database, network: string | undefined, now: number): HostMemory[] {
  const rows = database.query<HostRow, [string | null]>(HOSTS).all(network ?? null);
  return rows.map((row) => hostOf(database, row, now));
}

/** Those seen last first. */
export function readNetworks(database: Database): NetworkMemory[] {
  type Row = Omit<NetworkMemory, "seenAt"> & { readonly seen_at: number };
  return database
    .query<Row, []>(NETWORKS)
    .all()
    .map(({ fingerprint, label, seen_at, hosts }) => ({ fingerprint, label, seenAt: seen_at, hosts }));
}

function hostOf(database: Database, { network, host, pinned, seen_at }: HostRow, now: number): HostMemory {
  const rows = database.query<TriedRow, [string, string]>(TRIED_OF_HOST).all(network, host);
  const tried = rows.map((row) => triedOf(row, now)).toSorted(byScore);
  return { network, host, pinned: pinned ?? undefined, seenAt: seen_at, tried };
}

function triedOf(row: TriedRow, now: number): Tried {
  return {
    strategy: row.strategy,
    score: scoreOf({ good: row.good, bad: row.bad, at: row.weighed_at }, now),
    worked: row.worked,
    failed: row.failed,
    workedAt: row.worked_at ?? undefined,
    failedAt: row.failed_at ?? undefined,
    how: row.how as Evidence,
    symptom: (row.symptom ?? undefined) as Symptom | undefined,
  };
}

/** Among equals the one that worked last. */
function byScore(a: Tried, b: Tried): number {
  return b.score - a.score || (b.workedAt ?? 0) - (a.workedAt ?? 0) || (a.strategy < b.strategy ? -1 : 1);
}
