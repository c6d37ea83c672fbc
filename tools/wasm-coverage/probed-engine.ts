// The debug build with a probe for every line and every branch, the same for whoever asks.
import { readFileSync } from "node:fs";
import {
  DEBUG_MAP_PATH,
  DEBUG_PATH,
  instrument,
  type Instrumented,
  PROBE_BASE,
  PROBE_ROOM,
  readSourceMap,
  type SourcePlace,
} from "../instrument/index.ts";

export interface ProbedEngine extends Instrumented {
  readonly places: readonly SourcePlace[];
  /** Names the build: the marks of one build say nothing about another. */
  readonly build: string;
}

/** Reads and instruments the debug build. @throws Error when the engine was not built */
export function probedEngine(): ProbedEngine {
  const plain = new Uint8Array(readFileSync(DEBUG_PATH));
  const places = readSourceMap(readFileSync(DEBUG_MAP_PATH, "utf8"));
  const statements = new Set(places.map(({ offset }) => offset));
  const build = new Bun.CryptoHasher("sha256").update(plain).digest("hex").slice(0, 16);
  return { ...instrument(plain, { base: PROBE_BASE, room: PROBE_ROOM, mode: "mark", statements }), places, build };
}
