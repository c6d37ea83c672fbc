// The defaults, written once: the schema, the sample text and the printer take them from here.
import { deepFreeze } from "../freeze.ts";
import { PRESETS, PRESET_PREFIX } from "../presets.ts";
import { readRuleStrategy } from "./rule-strategy.ts";
import { FAMILIES, METHODS, PROFILE_VERSION, type Profile, type Rule } from "./profile.ts";

const DEFAULT_STRATEGY = `${PRESET_PREFIX}default`;

/** What a rule has where the text says nothing. */
export const RULE_DEFAULTS = deepFreeze({
  enabled: true,
  priority: 0,
  hosts: [],
  ports: [],
  families: [...FAMILIES],
});

const DEFAULT_RULE: Rule = {
  name: "everything",
  ...RULE_DEFAULTS,
  ...readRuleStrategy(DEFAULT_STRATEGY),
};

const DEFAULT_PROFILE: Profile = deepFreeze({
  version: PROFILE_VERSION,
  interception: { method: METHODS[0], uplinks: [], exclude: [] },
  device: { name: "bunnel0", address: "10.0.85.1", netmask: "255.255.255.0", mtuBytes: 0 },
  limits: { maxFlows: 10_000, maxQueueSize: 1000, flowTimeoutSeconds: 120 },
  rules: [DEFAULT_RULE],
});

/** The profile of an empty text: one rule for any host, with a strategy that no server minds. */
export function defaultProfile(): Profile {
  return DEFAULT_PROFILE;
}

/** A commented profile text with every key at its default; `parseProfile` makes `defaultProfile()` of it. */
export function defaultProfileText(): string {
  const { interception, device, limits } = DEFAULT_PROFILE;
  return `# A profile of bunnel. Every key stands here with its default; what is left out keeps it.
version = ${PROFILE_VERSION}

# How packets come up to be looked at.
[interception]
# "nft": a small nftables hook picks out the packets that rules can ask for. "rules": routing rules alone, everything
# comes up. "auto": nft where the kernel has it, else rules.
method = ${JSON.stringify(interception.method)}
# Interfaces whose traffic is looked at. Empty: every interface with a default route.
uplinks = []
# Destinations that are left alone, besides private and link-local ones: "203.0.113.0/24", "2001:db8::/32".
exclude = []

# The network interface that bunnel makes.
[device]
name = ${JSON.stringify(device.name)}
address = ${JSON.stringify(device.address)}
netmask = ${JSON.stringify(device.netmask)}
# Octets of the largest packet. 0: as the uplink has it.
mtu = ${device.mtuBytes}

[limits]
# Flows that are kept at a time.
max_flows = ${limits.maxFlows}
# Packets that may wait for the way out.
max_queue_size = ${limits.maxQueueSize}
# A flow without a packet for so long is forgotten.
flow_timeout_seconds = ${limits.flowTimeoutSeconds}

# Rules. The first that matches decides: higher priority first, among equals in the order of this file. With no rule in
# the file there is the one below; "rule = []" at the top means none at all.
[[rule]]
# Needed, and each rule has its own.
name = ${JSON.stringify(DEFAULT_RULE.name)}
enabled = ${DEFAULT_RULE.enabled}
priority = ${DEFAULT_RULE.priority}
# "example.org": the name and everything below it. "=www.example.org": the name alone. Empty: any host.
hosts = []
# Destination ports: 443, "8000-8100". Empty: any port for TLS; for HTTP what interception brings up, port 80.
ports = []
families = ${tomlList(DEFAULT_RULE.families)}
# Needed. "pass" leaves messages alone; a preset is one of
${presetLines()}
# and anything else is written out, as in
#   "tls: fake(sni=www.example.org, ttl=4, badsum, x2) split(1, midsld) disorder  http: split(method+2)".
strategy = ${JSON.stringify(DEFAULT_STRATEGY)}
`;
}

function presetLines(): string {
  return PRESETS.map(({ name, about }) => `#   ${JSON.stringify(PRESET_PREFIX + name).padEnd(22)} ${about}`).join("\n");
}

function tomlList(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
}
