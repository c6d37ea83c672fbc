// What a probe has found so far, in a file: one that was interrupted, or whose budget was over, goes on from there.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import * as v from "valibot";
import type { HostSeen } from "./observation.ts";
import type { KnownResults } from "./probe.ts";
import type { Used } from "./search/budget.ts";
import type { TrialResult } from "./search/search.ts";

const VERSION = 1;
/** Networks change: what is older is found out anew. */
const KEPT_MS = 60 * 60 * 1000;
const OWNER_ONLY = 0o600;

const stateSchema = v.object({
  version: v.literal(VERSION),
  key: v.string(),
  atMs: v.number(),
  seen: v.array(v.custom<HostSeen>((value) => isRecord(value) && Array.isArray(value["addresses"]))),
  trials: v.array(v.custom<TrialResult>((value) => isRecord(value) && isRecord(value["candidate"]))),
  used: v.object({ seconds: v.number(), connections: v.number(), octets: v.number() }),
});

/** Results of an earlier run, and what it used. */
export interface EarlierRun extends KnownResults {
  readonly used: Used;
}

/** `$XDG_CACHE_HOME/bunnel/probe.json`, or where that is by default. */
export function defaultStatePath(env: NodeJS.ProcessEnv = process.env): string {
  const cache = env["XDG_CACHE_HOME"];
  return join(cache === undefined || cache === "" ? join(homedir(), ".cache") : cache, "bunnel", "probe.json");
}

export class StateFile {
  readonly #key: string;
  #failed: string | undefined;

  /** @param about what has to be the same for a probe to go on: the hosts, the network, the way it is asked */
  constructor(
    readonly path: string,
    about: unknown,
    readonly nowMs: () => number = Date.now,
  ) {
    this.#key = createHash("sha256").update(JSON.stringify(about)).digest("hex");
  }

  /** Why nothing could be written; undefined: it was. */
  get failed(): string | undefined {
    return this.#failed;
  }

  /** Undefined: there is none, it is another probe's, too old, or damaged. */
  read(): EarlierRun | undefined {
    let data: unknown;
    try {
      data = JSON.parse(readFileSync(this.path, "utf8"));
    } catch {
      return undefined;
    }
    const result = v.safeParse(stateSchema, data);
    if (!result.success || result.output.key !== this.#key) return undefined;
    if (this.nowMs() - result.output.atMs > KEPT_MS) return undefined;
    return result.output;
  }

  /** In the place of what was there; a file that cannot be written stops no probe. */
  write(run: EarlierRun): void {
    const state = { version: VERSION, key: this.#key, atMs: this.nowMs(), ...run };
    try {
      mkdirSync(dirname(this.path), { recursive: true });
      const next = `${this.path}.${process.pid}`;
      writeFileSync(next, JSON.stringify(state), { mode: OWNER_ONLY });
      renameSync(next, this.path);
    } catch (error) {
      this.#failed = error instanceof Error ? error.message : String(error);
    }
  }

  /** Everything is known: the next probe begins anew. */
  remove(): void {
    rmSync(this.path, { force: true });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
