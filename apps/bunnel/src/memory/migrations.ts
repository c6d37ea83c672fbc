// The shape of the database, step by step: each step is run once, in order, and never changed after a release.
import type { Database } from "bun:sqlite";
import { MemoryError } from "./contract.ts";

/** Says whose file it is (sqlite.org/fileformat2.html, 1.3.15): "bunl". */
export const APPLICATION_ID = 0x62_75_6e_6c;

/** The version of a database is how many of these it has seen. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE network (
     fingerprint TEXT PRIMARY KEY,
     label TEXT NOT NULL,
     seen_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE host (
     network TEXT NOT NULL,
     host TEXT NOT NULL,
     pinned TEXT,
     seen_at INTEGER NOT NULL,
     PRIMARY KEY (network, host)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX host_seen ON host (network, seen_at);
   CREATE TABLE tried (
     network TEXT NOT NULL,
     host TEXT NOT NULL,
     strategy TEXT NOT NULL,
     good REAL NOT NULL,
     bad REAL NOT NULL,
     weighed_at INTEGER NOT NULL,
     worked INTEGER NOT NULL,
     failed INTEGER NOT NULL,
     worked_at INTEGER,
     failed_at INTEGER,
     how TEXT NOT NULL,
     PRIMARY KEY (network, host, strategy),
     FOREIGN KEY (network, host) REFERENCES host (network, host) ON DELETE CASCADE
   ) STRICT, WITHOUT ROWID;`,
  `ALTER TABLE tried ADD COLUMN symptom TEXT;`,
];

/**
 * Brings a database to the version of this program. Each step is a transaction: one that is cut short leaves the
 * version before.
 * @throws MemoryError E_MEMORY_NEWER, E_MEMORY_FOREIGN; nothing was changed then
 */
export function migrate(database: Database, path: string, steps: readonly string[] = MIGRATIONS): void {
  const version = pragma(database, "user_version");
  const application = pragma(database, "application_id");
  const isOurs = application === APPLICATION_ID;
  if (!isOurs && (application !== 0 || version !== 0 || !isEmpty(database))) {
    throw new MemoryError("E_MEMORY_FOREIGN", `memory ${path}: expected one of bunnel, found a database of another`);
  }
  if (version > steps.length) {
    const found = `found version ${version} of a newer bunnel`;
    const advice = "update bunnel, or name another file in [memory]";
    throw new MemoryError("E_MEMORY_NEWER", `memory ${path}: expected version ${steps.length}, ${found}: ${advice}`);
  }
  for (let step = version; step < steps.length; step++) {
    database.transaction(() => {
      database.run(steps[step] ?? "");
      database.run(`PRAGMA application_id = ${APPLICATION_ID}`);
      database.run(`PRAGMA user_version = ${step + 1}`);
    })();
  }
}

function isEmpty(database: Database): boolean {
  return database.query<{ readonly n: number }, []>("SELECT count(*) AS n FROM sqlite_schema").get()?.n === 0;
}

function pragma(database: Database, name: "user_version" | "application_id"): number {
  return database.query<Readonly<Record<string, number>>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}
