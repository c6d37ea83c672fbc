// What a profile text may hold: each key, its values and its default. Unknown keys are found by `unknown-keys.ts`.
import { FLOW_BUCKETS_MAX, FLOW_WAYS, QUEUES_MAX } from "@bunnel/abi";
import * as v from "valibot";
import { CARRIES, EGRESSES } from "../notation/egress.ts";
import { shown } from "../wording.ts";
import { readIpv4, readNetmask, readPrefix } from "./address.ts";
import { defaultProfile, RULE_DEFAULTS } from "./default-profile.ts";
import { dnsTable } from "./dns-section.ts";
import { gatewayTable } from "./gateway-section.ts";
import { memoryTable } from "./memory-section.ts";
import { DIRECTIONS, FAMILIES, METHODS, PROFILE_VERSION, PUMPS } from "./profile.ts";
import { list, oneOf, read, table, whole, yesOrNo } from "./schema-words.ts";
import { logTable, serviceTable } from "./service-section.ts";
import { splitTable } from "./split-section.ts";
import { proxyTable, streamTable } from "./stream-settings.ts";
import { readHostEntry, readInterfaceName, readPackets, readPath, readPorts, readRuleName } from "./values.ts";

export const QUEUE_MAX = 1_000_000;
export const FLOW_TIMEOUT_MAX_SECONDS = 86_400;
export const MTU_MIN_BYTES = 576;
export const MTU_MAX_BYTES = 65535;
export const PRIORITY_MAX = 1_000_000;
export const MEMORY_MIN_MB = 64;
export const MEMORY_MAX_MB = 65_536;
/** A delay and its jitter together. */
export const JITTER_MAX_MS = 20_000;
export const LOG_RATE_MAX = 100_000;

const { interception, device, limits } = defaultProfile();

const interceptionTable = table({
  method: v.optional(oneOf(METHODS), interception.method),
  uplinks: v.optional(list(read(readInterfaceName)), [...interception.uplinks]),
  exclude: v.optional(list(read(readPrefix)), [...interception.exclude]),
  kill_switch: v.optional(yesOrNo, interception.killSwitch),
});

const deviceTable = table({
  name: v.optional(read(readInterfaceName), device.name),
  address: v.optional(read(readIpv4), device.address),
  netmask: v.optional(read(readNetmask), device.netmask),
  mtu: v.optional(whole(MTU_MIN_BYTES, MTU_MAX_BYTES, 0), device.mtuBytes),
  offload: v.optional(yesOrNo, device.offload),
  queues: v.optional(whole(1, QUEUES_MAX), device.queues),
  pump: v.optional(oneOf(PUMPS), device.pump),
});

const limitsTable = table({
  max_flows: v.optional(whole(1, FLOW_BUCKETS_MAX * FLOW_WAYS), limits.maxFlows),
  max_queue_size: v.optional(whole(1, QUEUE_MAX), limits.maxQueueSize),
  flow_timeout_seconds: v.optional(whole(1, FLOW_TIMEOUT_MAX_SECONDS), limits.flowTimeoutSeconds),
  max_memory_mb: v.optional(whole(MEMORY_MIN_MB, MEMORY_MAX_MB, 0), limits.maxMemoryMb),
  max_jitter_ms: v.optional(whole(0, JITTER_MAX_MS), limits.maxJitterMs),
  log_rate_limit: v.optional(whole(1, LOG_RATE_MAX), limits.logRateLimit),
});

const ruleTable = table({
  name: read(readRuleName),
  enabled: v.optional(yesOrNo, RULE_DEFAULTS.enabled),
  priority: v.optional(whole(-PRIORITY_MAX, PRIORITY_MAX), RULE_DEFAULTS.priority),
  hosts: v.optional(list(read(readHostEntry)), [...RULE_DEFAULTS.hosts]),
  hosts_file: v.optional(read(readPath), ""),
  addresses: v.optional(list(read(readPrefix)), [...RULE_DEFAULTS.addresses]),
  addresses_file: v.optional(read(readPath), ""),
  ports: v.optional(list(read(readPorts)), [...RULE_DEFAULTS.ports]),
  families: v.optional(
    v.pipe(
      list(oneOf(FAMILIES)),
      v.check((found) => found.length > 0, "expected ipv4, ipv6 or both, found none"),
    ),
    [...RULE_DEFAULTS.families],
  ),
  direction: v.optional(oneOf(DIRECTIONS), RULE_DEFAULTS.direction),
  packets: v.optional(read(readPackets), []),
  egress: v.optional(oneOf(EGRESSES), RULE_DEFAULTS.egress),
  carries: v.optional(
    v.pipe(
      list(oneOf(CARRIES)),
      v.check((found) => found.length > 0, "expected tcp, udp or icmp, found none"),
    ),
    [...RULE_DEFAULTS.carries],
  ),
  strategy: v.string(({ input }) => `expected a strategy or a preset's name as text, found ${shown(input)}`),
});

const version = v.literal(PROFILE_VERSION, ({ input }) => `expected ${PROFILE_VERSION}, found ${shown(input)}`);

/** The whole text, sections left out included. A text without rules has the default ones: `rule` is then undefined. */
export const profileSchema = v.object({
  version: v.optional(version, PROFILE_VERSION),
  enabled: v.optional(yesOrNo, true),
  service: v.optional(serviceTable, {}),
  log: v.optional(logTable, {}),
  interception: v.optional(interceptionTable, {}),
  gateway: v.optional(gatewayTable, {}),
  device: v.optional(deviceTable, {}),
  limits: v.optional(limitsTable, {}),
  include: v.optional(splitTable, {}),
  exclude: v.optional(splitTable, {}),
  dns: v.optional(dnsTable, {}),
  memory: v.optional(memoryTable, {}),
  stream: v.optional(streamTable, {}),
  proxy: v.optional(proxyTable, {}),
  // Names are free here; `payloads.ts` reads what they stand for.
  payload: v.optional(table({}), {}),
  rule: v.optional(list(ruleTable)),
});

export type ProfileInput = v.InferOutput<typeof profileSchema>;
export type RuleInput = v.InferOutput<typeof ruleTable>;

/** The keys of each table. Where a key of several stands in none, the first is taken to be meant. */
export const KEYS = {
  root: Object.keys(profileSchema.entries),
  service: Object.keys(serviceTable.pipe[1].entries),
  log: Object.keys(logTable.pipe[1].entries),
  interception: Object.keys(interceptionTable.pipe[1].entries),
  gateway: Object.keys(gatewayTable.pipe[1].entries),
  device: Object.keys(deviceTable.pipe[1].entries),
  limits: Object.keys(limitsTable.pipe[1].entries),
  dns: Object.keys(dnsTable.pipe[1].entries),
  memory: Object.keys(memoryTable.pipe[1].entries),
  stream: Object.keys(streamTable.pipe[1].entries),
  proxy: Object.keys(proxyTable.pipe[1].entries),
  rule: Object.keys(ruleTable.pipe[1].entries),
  include: Object.keys(splitTable.pipe[1].entries),
  exclude: Object.keys(splitTable.pipe[1].entries),
} as const;
