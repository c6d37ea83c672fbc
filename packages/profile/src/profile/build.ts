// A profile from values that were read and found right.
import type { RuleStrategy } from "./rule-strategy.ts";
import { defaultProfile } from "./default-profile.ts";
import { FAMILIES, PROFILE_VERSION, type ListFile, type PayloadEntry, type Profile, type Rule } from "./profile.ts";
import type { ProfileInput, RuleInput } from "./schema.ts";
import { buildStream } from "./stream-settings.ts";

/** What a rule has from elsewhere. */
export interface RuleParts {
  readonly strategy?: RuleStrategy;
  readonly hostsFile?: ListFile;
  readonly addressesFile?: ListFile;
}

/** The profile; `parts` are those of its rules, one by one. */
export function buildProfile(
  { interception, device, limits, stream, proxy, rule }: ProfileInput,
  payloads: ReadonlyMap<string, PayloadEntry>,
  parts: readonly RuleParts[],
): Profile {
  return {
    version: PROFILE_VERSION,
    interception,
    device: {
      name: device.name,
      address: device.address,
      netmask: device.netmask,
      mtuBytes: device.mtu,
    },
    limits: {
      maxFlows: limits.max_flows,
      maxQueueSize: limits.max_queue_size,
      flowTimeoutSeconds: limits.flow_timeout_seconds,
    },
    stream: buildStream(stream),
    proxy,
    payloads: Object.fromEntries(payloads),
    rules:
      rule === undefined ? defaultProfile().rules : rule.map((input, index) => buildRule(input, parts[index] ?? {})),
  };
}

function buildRule(input: RuleInput, { strategy, hostsFile, addressesFile }: RuleParts): Rule {
  const { name, enabled, priority, hosts, addresses, ports, families, direction, packets, egress } = input;
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
    ...(strategy ?? { strategy: { clauses: [] } }),
  };
}
