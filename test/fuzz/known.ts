// Cases that still break the engine, and how. Whoever mends one takes its line out; the case stays and is replayed.
export const KNOWN: ReadonlyMap<string, string> = new Map();
