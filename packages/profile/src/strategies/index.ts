export { OTHERS, OWN, ZAPRET } from "./catalogue.ts";
export type { NamedStrategy } from "./strategy-entry.ts";
