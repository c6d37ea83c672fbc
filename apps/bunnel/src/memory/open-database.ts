// Opens the database: for its owner alone, with settings that lose nothing but the last moments when power fails, and
// with what is damaged set aside.
import { Database, SQLiteError } from "bun:sqlite";
import { closeSync, constants, fchmodSync, openSync, renameSync, rmSync } from "node:fs";
import { MemoryError } from "./contract.ts";
import { migrate } from "./migrations.ts";

const OWNER_ONLY = 0o600;
const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
/** Another process has it for a moment: `bunnel hosts` beside a starting service. */
const BUSY_MS = 2_000;
/** What SQLite lays beside the file (sqlite.org/tempfiles.html). */
const BESIDE = ["-wal", "-shm", "-journal"] as const;
/** Where a damaged file goes; one from before goes away. */
export const DAMAGED_SUFFIX = ".damaged";

/** In memory alone, for tests and for a service whose file cannot be had. */
export const IN_MEMORY = ":memory:";

export interface OpenedDatabase {
  readonly database: Database;
  /** Where a damaged one was put; undefined: it was whole, or new. */
  readonly setAside: string | undefined;
}

/** @throws MemoryError E_MEMORY_FILE, E_MEMORY_NEWER, E_MEMORY_FOREIGN */
export function openDatabase(path: string): OpenedDatabase {
  try {
    return { database: openWhole(path), setAside: undefined };
  } catch (cause) {
    if (!isDamage(cause)) throw asMemoryError(path, cause);
  }
  try {
    const setAside = putAside(path);
    return { database: openWhole(path), setAside };
  } catch (cause) {
    throw asMemoryError(path, cause);
  }
}

/** What a check of the whole file found. */
class Damage extends Error {
  override readonly name = "Damage";
}

/** Whether SQLite says that the file is not what it was (sqlite.org/rescode.html). */
export function isDamage(error: unknown): boolean {
  if (error instanceof Damage) return true;
  return error instanceof SQLiteError && /^SQLITE_(?:CORRUPT|NOTADB|FORMAT)/u.test(error.code ?? "");
}

/** Moves a damaged file, and away with what belongs to it. Returns where it is now. */
export function putAside(path: string): string {
  const aside = path + DAMAGED_SUFFIX;
  renameSync(path, aside);
  for (const suffix of BESIDE) rmSync(path + suffix, { force: true });
  return aside;
}

export function asMemoryError(path: string, cause: unknown): MemoryError {
  if (cause instanceof MemoryError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MemoryError("E_MEMORY_FILE", `memory ${path}: expected a database that can be used: ${why}`, { cause });
}

function openWhole(path: string): Database {
  // SQLite gives the files beside it the mode that this one has.
  if (path !== IN_MEMORY) ownerOnly(path);
  const database = new Database(path, { readwrite: true, create: true, strict: true });
  try {
    database.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    checkWhole(database);
    migrate(database, path);
    database.run("PRAGMA journal_mode = WAL");
    // With WAL the file stays whole when power fails; the last outcomes may be lost.
    database.run("PRAGMA synchronous = NORMAL");
    database.run("PRAGMA foreign_keys = ON");
    // A host that is forgotten is in the file no more, not even in unused pages.
    database.run("PRAGMA secure_delete = ON");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function ownerOnly(path: string): void {
  const fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, OWNER_ONLY);
  try {
    fchmodSync(fd, OWNER_ONLY);
  } finally {
    closeSync(fd);
  }
}

/** @throws Damage, SQLiteError */
function checkWhole(database: Database): void {
  const found = database.query<{ readonly quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
  if (found !== "ok") throw new Damage(found ?? "no answer");
}
