// On other run-times than Bun the engine's file lies where its package does.
import { fileURLToPath } from "node:url";

/** Where the release build of the engine lies. */
export const ENGINE_PATH: string = fileURLToPath(import.meta.resolve("@bunnel/engine-wasm/engine.wasm"));
