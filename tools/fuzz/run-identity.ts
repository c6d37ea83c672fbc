// Of which tree and which build a run speaks.
import { dirname } from "node:path";
import { readFileSync } from "node:fs";
import { RELEASE_PATH } from "../instrument/index.ts";
import type { RunRow } from "./run-report.ts";

const ROOT = dirname(dirname(import.meta.dirname));
const HASH_DIGITS = 12;

export function runIdentity(): Pick<RunRow, "date" | "commit" | "engine"> {
  const { stdout } = Bun.spawnSync(["git", "rev-parse", "--short=10", "HEAD"], { cwd: ROOT });
  const hash = new Bun.CryptoHasher("sha256").update(readFileSync(RELEASE_PATH)).digest("hex");
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: stdout.toString().trim() || "none",
    engine: hash.slice(0, HASH_DIGITS),
  };
}
