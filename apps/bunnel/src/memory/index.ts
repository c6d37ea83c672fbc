export * from "./contract.ts";
export { Memory, type MemoryOptions } from "./memory.ts";
export { keptHost, keptStrategy } from "./names.ts";
export { DAMAGED_SUFFIX, IN_MEMORY } from "./open-database.ts";
export { HALF_LIFE_MS, scoreOf, UNKNOWN_SCORE } from "./score.ts";
