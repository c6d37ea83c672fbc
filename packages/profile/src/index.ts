export * from "./convert/index.ts";
export { ProfileError, type ProfileErrorCode, type ProfileProblem } from "./errors.ts";
export { canonicalHost } from "./host-name.ts";
export { parseStrategy } from "./notation/checker.ts";
export {
  AUTO_TTL_DEFAULT,
  BADSEQ_DEFAULT,
  DECOY_NAME_DEFAULT,
  TS_DEFAULT,
  type AutoTtl,
  type Decoy,
  type FoolingWord,
  type Foolings,
  type HelloChanges,
  type Pattern,
  type Payload,
} from "./notation/content.ts";
export {
  egressOf,
  egressRefusals,
  EGRESSES,
  packetRefusal,
  socketRefusal,
  type Egress,
  type EgressRefusal,
} from "./notation/egress.ts";
export { printClause, printStrategy } from "./notation/printer.ts";
export { KINDS, MARKERS, markersOf, type Kind, type Point, type PointMarker } from "./notation/kinds.ts";
export type * from "./notation/strategy.ts";
export type * from "./notation/stream-operations.ts";
export { payloadOctets, type NamedPayloads, type PayloadSource } from "./payload/build.ts";
export { PRESET_PREFIX, PRESETS, presetStrategy, strategies } from "./presets.ts";
export type { NamedStrategy } from "./strategies/index.ts";
export { defaultProfile, defaultProfileText } from "./profile/default-profile.ts";
export { fileLoader, type FileLoader } from "./profile/files.ts";
export { profileJsonSchema } from "./profile/json-schema.ts";
export type { JsonSchema } from "./profile/json-schema-parts.ts";
export { parseProfile, type ParseOptions } from "./profile/parse.ts";
export { printProfile, ruleStrategyText } from "./profile/print.ts";
export {
  listEntries,
  type DeviceSettings,
  type Direction,
  type Family,
  type InterceptionMethod,
  type InterceptionSettings,
  type Limits,
  type ListFile,
  type PacketRange,
  type PayloadEntry,
  type PortRange,
  type Profile,
  type PumpName,
  type Rule,
} from "./profile/profile.ts";
export type { CertificatesFile, DnsFallback, DnsMethod, DnsSettings, DnsUpstream } from "./profile/dns-section.ts";
export { MEMORY_DEFAULTS, type MemorySettings, type Remembered } from "./profile/memory-section.ts";
export { readRuleStrategy, type RuleStrategy } from "./profile/rule-strategy.ts";
export type { GatewaySettings } from "./profile/gateway-section.ts";
export { isLoopback, type ProxySettings, type StreamSettings } from "./profile/stream-settings.ts";
export { selectionOf, type ProfileSelection } from "./profile/selection.ts";
export {
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  type LogSettings,
  type ServiceSettings,
} from "./profile/service-section.ts";
export type { Protocol, ScopeLists, SplitScope } from "./profile/split-section.ts";
export type { AddressRange, AddressRanges } from "./table/address-ranges.ts";
export { checkRules } from "./table/check.ts";
export { decodeRules, type DecodedRule, type DecodedTable } from "./table/decode.ts";
export { encodeRules, type EncodeOptions } from "./table/encode.ts";
export { hostHash } from "./table/host-hash.ts";
export { matchAddress, matchHost, matchRule, type MessageFacts } from "./table/match.ts";
export { encodeStreamRules, type StreamRule, type StreamTable } from "./table/stream-table.ts";
export { tableRules, type TableRule } from "./table/table-rules.ts";
export { anyOf, nearest, shown, suggestion } from "./wording.ts";
