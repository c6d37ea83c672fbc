export * from "./marks.ts";
export { followNetwork } from "./follow.ts";
export type { InterceptionSettings, LinuxInterception, SweepSettings } from "./interception.ts";
export { interceptNft } from "./nft.ts";
export { canMakeNftTable } from "./probe.ts";
export { interceptRules } from "./rules.ts";
export { EXCLUDES_MAX, LOCAL_DESTINATIONS, SELECTED_PORTS_MAX } from "./selection.ts";
export { sweepInterception } from "./sweep.ts";
export { isTunnel } from "./uplinks.ts";
