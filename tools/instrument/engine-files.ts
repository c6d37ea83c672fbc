// The engine's artefacts as files, and the range of its memory that probes may have.
import { CONTROL_BASE, FLOW_TAGS_BASE } from "@bunnel/abi";
import { fileURLToPath } from "node:url";

/** The range between the control page and the flow table, which no build of the engine touches. */
export const PROBE_BASE = CONTROL_BASE + 0x1000;
export const PROBE_ROOM = FLOW_TAGS_BASE - PROBE_BASE;

export const RELEASE_PATH = fileURLToPath(import.meta.resolve("@bunnel/engine-wasm/engine.wasm"));
export const DEBUG_PATH = fileURLToPath(import.meta.resolve("@bunnel/engine-wasm/engine.debug.wasm"));
export const DEBUG_MAP_PATH = `${DEBUG_PATH}.map`;
