export { findChangesets } from "./changesets.ts";
export { findLevels } from "./levels.ts";
export { findPackages } from "./packages.ts";
export { findPlaces } from "./places.ts";
export { findSizes } from "./sizes.ts";
export { findTraces } from "./traces.ts";
export { type Rule, rules, show } from "./rules.ts";
export { type Finding, readTree, type Tree } from "./tree.ts";
