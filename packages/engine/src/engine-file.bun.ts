// Bun takes the engine's file along when it makes one executable of a program.
import path from "@bunnel/engine-wasm/engine.wasm" with { type: "file" };

/** Where the release build of the engine lies. */
export const ENGINE_PATH: string = path;
