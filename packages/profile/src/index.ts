export { ProfileError, type ProfileErrorCode, type ProfileProblem } from "./errors.ts";
export { parseStrategy } from "./notation/checker.ts";
export { DECOY_NAME_DEFAULT } from "./notation/check-fake.ts";
export { printClause, printStrategy } from "./notation/printer.ts";
export {
  KINDS,
  MARKERS,
  markersOf,
  type Clause,
  type DecoyContent,
  type Disorder,
  type Fake,
  type Kind,
  type Operation,
  type Point,
  type PointMarker,
  type Split,
  type Strategy,
} from "./notation/strategy.ts";
export { PRESET_PREFIX, PRESETS, presetStrategy, type Preset } from "./presets.ts";
export { defaultProfile, defaultProfileText } from "./profile/default-profile.ts";
export { parseProfile, type ParseOptions } from "./profile/parse.ts";
export { printProfile, ruleStrategyText } from "./profile/print.ts";
export {
  type DeviceSettings,
  type Family,
  type InterceptionMethod,
  type InterceptionSettings,
  type Limits,
  type PortRange,
  type Profile,
  type Rule,
} from "./profile/profile.ts";
export { readRuleStrategy, type RuleStrategy } from "./profile/rule-strategy.ts";
export { selectionOf, type ProfileSelection } from "./profile/selection.ts";
export { checkRules } from "./table/check.ts";
export { decodeRules, type DecodedRule, type DecodedTable } from "./table/decode.ts";
export { encodeRules } from "./table/encode.ts";
export { hostHash } from "./table/host-places.ts";
export { matchHost, matchRule, type MessageFacts } from "./table/match.ts";
export { tableRules, type TableRule } from "./table/table-rules.ts";
