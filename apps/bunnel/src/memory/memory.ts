// The memory of strategies, over an SQLite database that one process writes at a time and others may read.
import type { Database } from "bun:sqlite";
import {
  ANY_NETWORK,
  KNOWN_SCORE,
  MEMORY_LIMITS,
  TRIED_MAX,
  type Best,
  type HostMemory,
  type MemoryLimits,
  type NetworkMemory,
  type Outcome,
  type Tried,
} from "./contract.ts";
import { keptHost, keptStrategy } from "./names.ts";
import { asMemoryError, IN_MEMORY, isDamage, openDatabase, putAside } from "./open-database.ts";
import { readHost, readHosts, readNetworks, type TriedRow } from "./read-rows.ts";
import { weighed } from "./score.ts";

export interface MemoryOptions {
  readonly limits?: MemoryLimits;
  /** Told when a damaged file was put aside, at the start or later: what was in it is not known any more. */
  readonly setAside?: (path: string) => void;
}

export class Memory implements Disposable {
  #database: Database;

  private constructor(
    readonly path: string,
    database: Database,
    readonly options: MemoryOptions,
  ) {
    this.#database = database;
  }

  /**
   * Opens the file, or makes it; the folder must be there. A damaged one is put aside, and an empty one made.
   * @param path `IN_MEMORY` keeps nothing
   * @throws MemoryError E_MEMORY_NEWER, E_MEMORY_FOREIGN, E_MEMORY_FILE
   */
  static open(path: string, options: MemoryOptions = {}): Memory {
    const { database, setAside } = openDatabase(path);
    if (setAside !== undefined) options.setAside?.(setAside);
    return new Memory(path, database, options);
  }

  /** Keeps one outcome. @throws MemoryError E_MEMORY_VALUE, E_MEMORY_FILE */
  record(outcome: Outcome): void {
    this.recordAll([outcome]);
  }

  /** Keeps many in one transaction: all of them or none. @throws MemoryError E_MEMORY_VALUE, E_MEMORY_FILE */
  recordAll(outcomes: readonly Outcome[]): void {
    const kept = outcomes.map((outcome) => {
      return { ...outcome, host: keptHost(outcome.host), strategy: keptStrategy(outcome.strategy) };
    });
    if (kept.length === 0) return;
    this.#change((database) => {
      for (const outcome of kept) {
        this.#seen(database, outcome);
        keep(database, outcome);
      }
      this.#trim(database);
    });
  }

  /** Names a network for people. */
  nameNetwork(fingerprint: string, label: string, at: number): void {
    this.#change((database) => {
      database.run(NETWORK_SEEN, [fingerprint, label, at]);
      database.run("UPDATE network SET label = ?2 WHERE fingerprint = ?1", [fingerprint, label]);
      this.#trim(database);
    });
  }

  /**
   * The strategy to begin with: the one that was pinned, else the best one that worked more than it failed of late.
   * Undefined: nothing is known.
   */
  best(network: string, host: string, now = Date.now()): Best | undefined {
    const name = keptHost(host);
    return this.#read((database) => {
      const pinned = pinOf(database, network, name) ?? pinOf(database, ANY_NETWORK, name);
      if (pinned !== undefined) return { strategy: pinned, pinned: true, score: 1 };
      const [first] = readHost(database, network, name, now)?.tried ?? [];
      if (first === undefined || first.score <= KNOWN_SCORE) return undefined;
      return { strategy: first.strategy, pinned: false, score: first.score };
    });
  }

  /** What is known of one host there. */
  host(network: string, host: string, now = Date.now()): HostMemory | undefined {
    return this.#read((database) => readHost(database, network, keptHost(host), now));
  }

  /** Every host of a network, those seen last first; without one, of all networks. */
  hosts(network?: string, now = Date.now()): HostMemory[] {
    return this.#read((database) => readHosts(database, network, now));
  }

  networks(): NetworkMemory[] {
    return this.#read(readNetworks);
  }

  /** What is known of the strategies of a host, the best first. */
  tried(network: string, host: string, now = Date.now()): readonly Tried[] {
    return this.host(network, host, now)?.tried ?? [];
  }

  /**
   * Forgets a host, its pin included; without one, every host of the network; without a network, everywhere. Returns
   * how many there were.
   */
  forget(which: { readonly network?: string; readonly host?: string } = {}): number {
    const host = which.host === undefined ? null : keptHost(which.host);
    const network = which.network ?? null;
    const gone = this.#change((database) => {
      const where = "(?1 IS NULL OR network = ?1) AND (?2 IS NULL OR host = ?2)";
      return database.query(`DELETE FROM host WHERE ${where}`).run(network, host).changes;
    });
    // Else its name would stay in the log of changes until that is full.
    if (this.path !== IN_MEMORY) this.#read((database) => database.run("PRAGMA wal_checkpoint(TRUNCATE)"));
    return gone;
  }

  /**
   * Holds a host to a strategy; undefined lets it go.
   * @param network `ANY_NETWORK`: wherever this machine is
   * @throws MemoryError E_MEMORY_VALUE, E_MEMORY_FILE
   */
  pin(network: string, host: string, strategy: string | undefined, at = Date.now()): void {
    const name = keptHost(host);
    const pinned = strategy === undefined ? null : keptStrategy(strategy);
    this.#change((database) => {
      this.#seen(database, { network, host: name, at });
      database.run("UPDATE host SET pinned = ?3 WHERE network = ?1 AND host = ?2", [network, name, pinned]);
      this.#trim(database);
    });
  }

  /** Closes it. A second call does nothing. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #seen(database: Database, { network, host, at }: Pick<Outcome, "network" | "host" | "at">): void {
    if (network !== ANY_NETWORK) database.run(NETWORK_SEEN, [network, "", at]);
    database.run(HOST_SEEN, [network, host, at]);
  }

  /** What is pinned stays: somebody said so. */
  #trim(database: Database): void {
    const { networks, hosts } = this.options.limits ?? MEMORY_LIMITS;
    database.run(OLD_NETWORKS_GO, [networks]);
    database.run("DELETE FROM host WHERE network <> ?1 AND network NOT IN (SELECT fingerprint FROM network)", [
      ANY_NETWORK,
    ]);
    for (const { network, n } of database.query<NetworkCount, []>(HOSTS_OF_NETWORKS).all()) {
      if (n > hosts) database.run(OLD_HOSTS_GO, [network, n - hosts]);
    }
  }

  #change<T>(act: (database: Database) => T): T {
    return this.#read((database) => database.transaction(() => act(database)).immediate());
  }

  /** Once more over an empty database when the file turns out to be damaged. */
  #read<T>(act: (database: Database) => T): T {
    try {
      return act(this.#database);
    } catch (cause) {
      if (!isDamage(cause)) throw asMemoryError(this.path, cause);
    }
    try {
      this.#database.close();
      this.options.setAside?.(putAside(this.path));
      this.#database = openDatabase(this.path).database;
      return act(this.#database);
    } catch (cause) {
      throw asMemoryError(this.path, cause);
    }
  }
}

interface NetworkCount {
  readonly network: string;
  readonly n: number;
}

const NETWORK_SEEN = `INSERT INTO network (fingerprint, label, seen_at) VALUES (?1, ?2, ?3)
  ON CONFLICT DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)`;
const HOST_SEEN = `INSERT INTO host (network, host, seen_at) VALUES (?1, ?2, ?3)
  ON CONFLICT DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)`;
const OLD_NETWORKS_GO = `DELETE FROM network WHERE fingerprint NOT IN
  (SELECT fingerprint FROM network ORDER BY seen_at DESC, fingerprint LIMIT ?1)`;
const HOSTS_OF_NETWORKS = "SELECT network, count(*) AS n FROM host WHERE pinned IS NULL GROUP BY network";
const OLD_HOSTS_GO = `DELETE FROM host WHERE network = ?1 AND host IN
  (SELECT host FROM host WHERE network = ?1 AND pinned IS NULL ORDER BY seen_at, host LIMIT ?2)`;
const TRIED_PUT = `INSERT OR REPLACE INTO tried
  (network, host, strategy, good, bad, weighed_at, worked, failed, worked_at, failed_at, how, symptom)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`;
const OLD_TRIED_GO = `DELETE FROM tried WHERE network = ?1 AND host = ?2 AND strategy NOT IN
  (SELECT strategy FROM tried WHERE network = ?1 AND host = ?2 ORDER BY weighed_at DESC, strategy LIMIT ?3)`;
const TRIED_ONE = "SELECT * FROM tried WHERE network = ?1 AND host = ?2 AND strategy = ?3";

function pinOf(database: Database, network: string, host: string): string | undefined {
  const query = "SELECT pinned FROM host WHERE network = ?1 AND host = ?2";
  const row = database.query<{ readonly pinned: string | null }, [string, string]>(query).get(network, host);
  return row?.pinned ?? undefined;
}

/** Adds one outcome to what is known of the strategy. */
function keep(database: Database, outcome: Outcome): void {
  const { network, host, strategy, worked, at } = outcome;
  const before = database.query<TriedRow, [string, string, string]>(TRIED_ONE).get(network, host, strategy);
  const weights = before ? { good: before.good, bad: before.bad, at: before.weighed_at } : { good: 0, bad: 0, at };
  const { good, bad, at: weighedAt } = weighed(weights, worked, at);
  const times = [(before?.worked ?? 0) + (worked ? 1 : 0), (before?.failed ?? 0) + (worked ? 0 : 1)] as const;
  const workedAt = worked ? at : (before?.worked_at ?? null);
  const failedAt = worked ? (before?.failed_at ?? null) : at;
  const symptom = worked ? (before?.symptom ?? null) : (outcome.symptom ?? "other");
  const key = [network, host, strategy] as const;
  database.run(TRIED_PUT, [...key, good, bad, weighedAt, ...times, workedAt, failedAt, outcome.how, symptom]);
  database.run(OLD_TRIED_GO, [network, host, TRIED_MAX]);
}
