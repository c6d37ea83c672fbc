// The defaults, written once: the schema, the sample text and the printer take them from here.
import { deepFreeze } from "../freeze.ts";
import { PRESETS, PRESET_PREFIX } from "../presets.ts";
import { CARRIES, EGRESSES } from "../notation/egress.ts";
import { DNS_DEFAULTS, dnsText } from "./dns-section.ts";
import { GATEWAY_DEFAULTS, gatewayText } from "./gateway-section.ts";
import { MEMORY_DEFAULTS, memoryText } from "./memory-section.ts";
import { readRuleStrategy } from "./rule-strategy.ts";
import { DIRECTIONS, FAMILIES, METHODS, PROFILE_VERSION, PUMPS, type Profile, type Rule } from "./profile.ts";
import { LOG_DEFAULTS, SERVICE_DEFAULTS, serviceText } from "./service-section.ts";
import { SPLIT_DEFAULTS, splitText } from "./split-section.ts";
import { PROXY_DEFAULTS, STREAM_DEFAULTS, streamSectionsText } from "./stream-settings.ts";

const DEFAULT_STRATEGY = `${PRESET_PREFIX}default`;

/** What a rule has where the text says nothing. */
export const RULE_DEFAULTS = deepFreeze({
  enabled: true,
  priority: 0,
  hosts: [],
  addresses: [],
  ports: [],
  families: [...FAMILIES],
  direction: DIRECTIONS[2],
  egress: EGRESSES[0],
  carries: [CARRIES[0]],
});

const DEFAULT_RULE: Rule = {
  name: "everything",
  ...RULE_DEFAULTS,
  ...readRuleStrategy(DEFAULT_STRATEGY),
};

const DEFAULT_PROFILE: Profile = deepFreeze({
  version: PROFILE_VERSION,
  enabled: true,
  service: SERVICE_DEFAULTS,
  log: LOG_DEFAULTS,
  interception: { method: METHODS[0], uplinks: [], exclude: [], killSwitch: false },
  gateway: GATEWAY_DEFAULTS,
  device: {
    ...{ name: "bunnel0", address: "10.0.85.1", netmask: "255.255.255.0", mtuBytes: 0 },
    ...{ offload: true, queues: 1, pump: PUMPS[0] },
  },
  limits: {
    ...{ maxFlows: 10_000, maxQueueSize: 1000, flowTimeoutSeconds: 120 },
    ...{ maxMemoryMb: 512, maxJitterMs: 500, logRateLimit: 100 },
  },
  include: SPLIT_DEFAULTS,
  exclude: SPLIT_DEFAULTS,
  dns: DNS_DEFAULTS,
  memory: MEMORY_DEFAULTS,
  stream: STREAM_DEFAULTS,
  proxy: PROXY_DEFAULTS,
  payloads: {},
  rules: [DEFAULT_RULE],
});

/** The profile of an empty text: one rule for any host, with a strategy that no server minds. */
export function defaultProfile(): Profile {
  return DEFAULT_PROFILE;
}

/** A commented profile text with every key at its default; `parseProfile` makes `defaultProfile()` of it. */
export function defaultProfileText(): string {
  return [
    headText(),
    serviceText(),
    interceptionText(),
    gatewayText(),
    deviceText(),
    limitsText(),
    splitText(),
    dnsText(),
    memoryText(),
    streamSectionsText(),
    defaultRuleText(),
  ].join("\n");
}

function headText(): string {
  return `# A profile of bunnel. Every key stands here with its default; what is left out keeps it.
version = ${PROFILE_VERSION}
# false: the service runs, and nothing is looked at.
enabled = ${DEFAULT_PROFILE.enabled}
`;
}

function interceptionText(): string {
  const { method, killSwitch } = DEFAULT_PROFILE.interception;
  return `# How packets come up to be looked at.
[interception]
# "nft": a small nftables hook picks out the packets that rules can ask for. "rules": routing rules alone, everything
# comes up. "auto": nft where the kernel has it, else rules.
method = ${JSON.stringify(method)}
# Interfaces whose traffic is looked at. Empty: every interface with a default route, but for tunnels of others.
uplinks = []
# Destinations that are left alone, besides private and link-local ones: "203.0.113.0/24", "2001:db8::/32".
exclude = []
# true: when the service dies, what its rules want is refused until the next start or \`bunnel down\`. false: it passes.
kill_switch = ${killSwitch}
`;
}

function deviceText(): string {
  const { name, address, netmask, mtuBytes, offload, queues, pump } = DEFAULT_PROFILE.device;
  return `# The network interface that bunnel makes.
[device]
name = ${JSON.stringify(name)}
address = ${JSON.stringify(address)}
netmask = ${JSON.stringify(netmask)}
# Octets of the largest packet. 0: as the uplink has it.
mtu = ${mtuBytes}
# Segmentation offload: a message of several segments comes up as one packet.
offload = ${offload}
# Queues of the device, each with a thread of its own, 1 to 4.
queues = ${queues}
# How packets pass: "plain" (a system call for each), "uring" (io_uring), "auto".
pump = ${JSON.stringify(pump)}
`;
}

function limitsText(): string {
  const { maxFlows, maxQueueSize, flowTimeoutSeconds, maxMemoryMb, maxJitterMs, logRateLimit } = DEFAULT_PROFILE.limits;
  return `[limits]
# Flows that are kept at a time.
max_flows = ${maxFlows}
# Packets that may wait for the way out.
max_queue_size = ${maxQueueSize}
# A flow without a packet for so long is forgotten.
flow_timeout_seconds = ${flowTimeoutSeconds}
# Memory of the service, in millions of octets. What is above ends it, after idle flows were forgotten. 0: any.
max_memory_mb = ${maxMemoryMb}
# The longest delay that a strategy may have, its jitter included.
max_jitter_ms = ${maxJitterMs}
# Lines of the log in a second; the rest is counted.
log_rate_limit = ${logRateLimit}
`;
}

function defaultRuleText(): string {
  return `# Octets that strategies name, as in fake(file=hello, ttl=4) or seqovl(568, pattern=hello):
#   hello = "file:hello.bin"      a file, found from this file's directory
#   junk = "hex:00ff 00ff"
[payload]

# Rules. The first that matches decides: higher priority first, among equals in the order of this file. With
# no rule in the file there is the one below; "rule = []" at the top means none at all.
[[rule]]
# Needed, and each rule has its own.
name = ${JSON.stringify(DEFAULT_RULE.name)}
enabled = ${DEFAULT_RULE.enabled}
priority = ${DEFAULT_RULE.priority}
# "example.org": the name and everything below it. "=www.example.org": the name alone. A public suffix, under which
# anybody can have a name, is written "all:co.uk". Empty: any host.
hosts = []
# A file with more of them, one a line, "#" before comments, gzip, zstd or plain. A file without any: no host at all.
hosts_file = ""
# Destinations: "203.0.113.0/24", "2001:db8::/32", "192.0.2.7". Empty: any. The file as that of hosts.
addresses = []
addresses_file = ""
# Destination ports: 443, "8000-8100". Empty: any port for TLS and SYN; for the others what interception brings up, port
# 80 for HTTP, 443 for QUIC, 53 for DNS.
ports = []
families = ${tomlList(DEFAULT_RULE.families)}
# "out": packets of the side that opened the flow. "in": of the other. "both".
direction = ${JSON.stringify(DEFAULT_RULE.direction)}
# First and last packet of a flow that the rule is for, each direction counted from 1: [1, 4]. Empty: any.
packets = []
# How its TCP flows leave. "packet": the packets of the applications, rewritten. "stream": by sockets of bunnel's that
# carry their octets on, which tlsrec, oob and whatever else changes the length of a stream need. "auto": as the
# strategy needs it, packets where both can; on macOS and Windows all is "stream", also what no rule is for.
egress = ${JSON.stringify(DEFAULT_RULE.egress)}
# What of it leaves by sockets where that is "stream". "tcp": flows. "udp": all datagrams to its addresses and ports,
# any port where it names none. "icmp": echo requests, as ping sends them. Hosts of both are known by DNS answers.
carries = ${tomlList(DEFAULT_RULE.carries)}
# Needed. "pass" leaves messages alone; a preset is one of
${presetLines()}
# and anything else is written out, as in
#   "tls: fake(sni=www.example.org, ttl=4, badsum, x2) split(1, midsld) disorder  http: split(method+2)".
strategy = ${JSON.stringify(DEFAULT_STRATEGY)}
`;
}

function presetLines(): string {
  const names = PRESETS.map(({ name }) => JSON.stringify(PRESET_PREFIX + name));
  const width = Math.max(...names.map((name) => name.length));
  return PRESETS.map(({ about }, index) => `#   ${names[index]?.padEnd(width)}  ${about}`).join("\n");
}

function tomlList(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
}
