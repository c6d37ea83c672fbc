// A profile from values that were read and found right.
import type { RuleStrategy } from "./rule-strategy.ts";
import { buildDns, type CertificatesFile } from "./dns-section.ts";
import { CARRIES } from "../notation/egress.ts";
import { defaultProfile } from "./default-profile.ts";
import { buildMemory } from "./memory-section.ts";
import {
  FAMILIES,
  PROFILE_VERSION,
  type InterceptionSettings,
  type ListFile,
  type PayloadEntry,
  type Profile,
  type Rule,
} from "./profile.ts";
import { buildLog, buildService } from "./service-section.ts";
import { buildSplit, type ScopeLists } from "./split-section.ts";
import type { ProfileInput, RuleInput } from "./schema.ts";
import { buildStream } from "./stream-settings.ts";

/** What a rule has from elsewhere. */
export interface RuleParts {
  readonly strategy?: RuleStrategy;
  readonly hostsFile?: ListFile;
  readonly addressesFile?: ListFile;
}

/** The files of lists that are no rule's. */
export interface ProfileLists {
  readonly include: ScopeLists;
  readonly exclude: ScopeLists;
}

/** The profile; `parts` are those of its rules, one by one. */
export function buildProfile(
  input: ProfileInput,
  payloads: ReadonlyMap<string, PayloadEntry>,
  parts: readonly RuleParts[],
  lists: ProfileLists,
  certificates?: CertificatesFile,
): Profile {
  const { device, limits, rule } = input;
  return {
    version: PROFILE_VERSION,
    enabled: input.enabled,
    service: buildService(input.service),
    log: buildLog(input.log),
    interception: buildInterception(input.interception),
    gateway: input.gateway,
    device: {
      name: device.name,
      address: device.address,
      netmask: device.netmask,
      mtuBytes: device.mtu,
      offload: device.offload,
      queues: device.queues,
      pump: device.pump,
    },
    limits: {
      maxFlows: limits.max_flows,
      maxQueueSize: limits.max_queue_size,
      flowTimeoutSeconds: limits.flow_timeout_seconds,
      maxMemoryMb: limits.max_memory_mb,
      maxJitterMs: limits.max_jitter_ms,
      logRateLimit: limits.log_rate_limit,
    },
    include: buildSplit(input.include, lists.include),
    exclude: buildSplit(input.exclude, lists.exclude),
    dns: buildDns(input.dns, certificates),
    memory: buildMemory(input.memory),
    stream: buildStream(input.stream),
    proxy: input.proxy,
    payloads: Object.fromEntries(payloads),
    rules: rule === undefined ? defaultProfile().rules : rule.map((each, index) => buildRule(each, parts[index] ?? {})),
  };
}

function buildInterception({
  method,
  uplinks,
  exclude,
  kill_switch,
}: ProfileInput["interception"]): InterceptionSettings {
  return { method, uplinks, exclude, killSwitch: kill_switch };
}

function buildRule(input: RuleInput, { strategy, hostsFile, addressesFile }: RuleParts): Rule {
  const { name, enabled, priority, hosts, addresses, ports, families, direction, packets, egress, carries } = input;
  return {
    name,
    enabled,
    priority,
    hosts: [...new Set(hosts)],
    ...(hostsFile && { hostsFile }),
    addresses: [...new Set(addresses)],
    ...(addressesFile && { addressesFile }),
    ports,
    families: FAMILIES.filter((family) => families.includes(family)),
    direction,
    ...("first" in packets && { packets }),
    egress,
    carries: CARRIES.filter((each) => carries.includes(each)),
    ...(strategy ?? { strategy: { clauses: [] } }),
  };
}
