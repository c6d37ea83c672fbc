export { OTHERS } from "./others.ts";
export { OWN } from "./own.ts";
export type { NamedStrategy } from "./strategy-entry.ts";
export { ZAPRET } from "./zapret.ts";
