// The engine's artefacts as files, and the range of its memory that probes may have.
import { FLOW_TAGS_BASE, LANES_MAX, RULE_COUNTS_BASE, RULE_COUNTS_BYTES } from "@bunnel/abi";
import { fileURLToPath } from "node:url";

/** The spare range before the flow table, which no build of the engine touches. */
export const PROBE_BASE = RULE_COUNTS_BASE + LANES_MAX * RULE_COUNTS_BYTES;
export const PROBE_ROOM = FLOW_TAGS_BASE - PROBE_BASE;

export const RELEASE_PATH = fileURLToPath(import.meta.resolve("@bunnel/engine-wasm/engine.wasm"));
export const DEBUG_PATH = fileURLToPath(import.meta.resolve("@bunnel/engine-wasm/engine.debug.wasm"));
export const DEBUG_MAP_PATH = `${DEBUG_PATH}.map`;
