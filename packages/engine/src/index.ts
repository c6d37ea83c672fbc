export { AdmissionQueue, type GivenAdmission } from "./admissions.ts";
export { Engine, type EngineHandOver, type EngineOptions } from "./engine.ts";
export { HostNames, type FoundMessage } from "./host-names.ts";
export { readGroup, type LaneGroups, type PacketGroup } from "./groups.ts";
export { Lane, type LaneList, type LaneOptions, type NameFinder, type Question } from "./lane.ts";
export { laneTurns, setLaneMtu } from "./lane-words.ts";
export { laneCounters, readCounters, type EngineCounters } from "./counters.ts";
export type { FlowEndpoint, FlowInfo } from "./flows.ts";
export { QuicNames, type QuicAnswer, type QuicLimits } from "./quic/index.ts";
export { readMeta, type PacketMeta } from "./meta.ts";
export { type EngineBuild, type EngineExports } from "./module.ts";
export {
  Translations,
  type TransportAddress,
  type TranslationFamily,
  type TranslationsOptions,
  type WantedConnection,
} from "./translations.ts";
export { transformer, type Transform } from "./transformer.ts";
