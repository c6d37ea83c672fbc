// The keys of a profile as JSON Schema (draft 2020-12), for editors: names, types, limits and what each key is for.
// What only `parseProfile` can tell, such as whether a strategy makes sense, it tells.
import { CARRIES, EGRESSES } from "../notation/egress.ts";
import { FLOW_BUCKETS_MAX, FLOW_WAYS, QUEUES_MAX } from "@bunnel/abi";
import { PRESET_PREFIX, PRESETS } from "../presets.ts";
import { defaultProfile, RULE_DEFAULTS } from "./default-profile.ts";
import { dnsSchema } from "./dns-section.ts";
import { table, text, texts, whole, yesOrNo, type JsonSchema } from "./json-schema-parts.ts";
import { gatewayJsonSchema } from "./gateway-section.ts";
import { memoryJsonSchema } from "./memory-section.ts";
import { DIRECTIONS, FAMILIES, METHODS, PROFILE_VERSION, PUMPS } from "./profile.ts";
import {
  FLOW_TIMEOUT_MAX_SECONDS,
  JITTER_MAX_MS,
  LOG_RATE_MAX,
  MEMORY_MAX_MB,
  MEMORY_MIN_MB,
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  PRIORITY_MAX,
  QUEUE_MAX,
} from "./schema.ts";
import { SERVICE_JSON } from "./service-section.ts";
import { SPLIT_JSON } from "./split-section.ts";
import { streamJsonSchemas } from "./stream-settings.ts";

const SCHEMA_VERSION = "https://json-schema.org/draft/2020-12/schema";

const port = {
  oneOf: [
    { type: "integer", minimum: 1, maximum: 65535 },
    { type: "string", pattern: "^\\d{1,5}(-\\d{1,5})?$" },
  ],
};

function interceptionSchema(): JsonSchema {
  const { method, killSwitch } = defaultProfile().interception;
  return table("How packets come up to be looked at.", {
    method: text(
      "nft: a small hook picks out packets; rules: everything comes up; auto: nft where the kernel has it.",
      {
        enum: METHODS,
        default: method,
      },
    ),
    uplinks: texts("Interfaces whose traffic is looked at. Empty: every interface with a default route."),
    exclude: texts("Destinations that are left alone, besides private and link-local ones: 203.0.113.0/24."),
    kill_switch: yesOrNo("When the service dies, what its rules want is refused.", killSwitch),
  });
}

function deviceSchema(): JsonSchema {
  const { name, address, netmask, mtuBytes, offload, queues, pump } = defaultProfile().device;
  return table("The network interface that bunnel makes.", {
    name: text("Its name.", { pattern: "^[\\w.%-]{1,15}$", default: name }),
    address: text("Its address, in the modes that need one.", { format: "ipv4", default: address }),
    netmask: text("Its netmask.", { format: "ipv4", default: netmask }),
    mtu: {
      oneOf: [{ const: 0 }, { type: "integer", minimum: MTU_MIN_BYTES, maximum: MTU_MAX_BYTES }],
      description: "Octets of the largest packet. 0: as the uplink has it.",
      default: mtuBytes,
    },
    offload: yesOrNo("Segmentation offload.", offload),
    queues: whole("Queues, each with a thread of its own.", 1, QUEUES_MAX, queues),
    pump: text("How packets pass.", { enum: PUMPS, default: pump }),
  });
}

function limitsSchema(): JsonSchema {
  const { maxFlows, maxQueueSize, flowTimeoutSeconds, ...more } = defaultProfile().limits;
  return table("What the service may take.", {
    max_flows: whole("Flows that are kept at a time.", 1, FLOW_BUCKETS_MAX * FLOW_WAYS, maxFlows),
    max_queue_size: whole("Packets that may wait for the way out.", 1, QUEUE_MAX, maxQueueSize),
    flow_timeout_seconds: whole(
      "A flow without a packet for so long is forgotten.",
      1,
      FLOW_TIMEOUT_MAX_SECONDS,
      flowTimeoutSeconds,
    ),
    max_memory_mb: {
      oneOf: [{ const: 0 }, { type: "integer", minimum: MEMORY_MIN_MB, maximum: MEMORY_MAX_MB }],
      description: "Memory of the service in millions of octets; 0: any.",
      default: more.maxMemoryMb,
    },
    max_jitter_ms: whole("The longest delay of a strategy, jitter included.", 0, JITTER_MAX_MS, more.maxJitterMs),
    log_rate_limit: whole("Lines of the log in a second.", 1, LOG_RATE_MAX, more.logRateLimit),
  });
}

function ruleSchema(): JsonSchema {
  const presets = PRESETS.map(({ name }) => PRESET_PREFIX + name);
  const properties = {
    name: text("Each rule has its own.", { minLength: 1, maxLength: 64 }),
    enabled: { type: "boolean", description: "Whether it is looked at.", default: RULE_DEFAULTS.enabled },
    priority: whole("The higher is looked at first.", -PRIORITY_MAX, PRIORITY_MAX, RULE_DEFAULTS.priority),
    hosts: texts("example.org: it and all below it; =www.example.org: it alone; all:co.uk: a public suffix."),
    hosts_file: text("A file with more of them, one a line, gzip, zstd or plain.", { default: "" }),
    addresses: texts("Destinations: 203.0.113.0/24, 2001:db8::/32, 192.0.2.7. Empty: any."),
    addresses_file: text("A file with more of them.", { default: "" }),
    ports: texts('Destination ports: 443, "8000-8100". Empty: any.', port),
    families: {
      type: "array",
      items: { enum: FAMILIES },
      minItems: 1,
      description: "IPv4, IPv6 or both.",
      default: RULE_DEFAULTS.families,
    },
    direction: text("Packets of the side that opened the flow, of the other, or both.", {
      enum: DIRECTIONS,
      default: RULE_DEFAULTS.direction,
    }),
    packets: {
      type: "array",
      items: { type: "integer", minimum: 1, maximum: 65535 },
      maxItems: 2,
      description: "First and last packet of a flow that the rule is for: [1, 4]. Empty: any.",
      default: [],
    },
    egress: text("How TCP flows leave: rewritten packets, or sockets that carry the octets on.", {
      enum: EGRESSES,
      default: RULE_DEFAULTS.egress,
    }),
    carries: {
      type: "array",
      items: { enum: CARRIES },
      minItems: 1,
      description: "What of a stream rule leaves by sockets: TCP flows, UDP datagrams, ICMP echo requests.",
      default: RULE_DEFAULTS.carries,
    },
    strategy: {
      description: "A preset, or a strategy in the notation: tls: split(1, midsld) disorder",
      anyOf: [{ enum: ["pass", ...presets] }, { type: "string" }],
    },
  };
  return table("The first rule that matches decides.", properties, { required: ["name", "strategy"] });
}

/** The schema of a profile: every key that `parseProfile` knows, and no other. */
export function profileJsonSchema(): JsonSchema {
  return {
    $schema: SCHEMA_VERSION,
    title: "Profile of bunnel",
    ...table("Which messages get which strategy.", {
      version: { const: PROFILE_VERSION, description: "Of this format.", default: PROFILE_VERSION },
      enabled: yesOrNo("false: nothing is looked at.", defaultProfile().enabled),
      service: table("The service itself.", SERVICE_JSON.service),
      log: table("What the service says of itself.", SERVICE_JSON.log),
      interception: interceptionSchema(),
      gateway: gatewayJsonSchema(),
      device: deviceSchema(),
      limits: limitsSchema(),
      include: table("What is looked at at all.", SPLIT_JSON),
      exclude: table("What is left alone.", SPLIT_JSON),
      dns: dnsSchema(),
      memory: memoryJsonSchema(),
      ...streamJsonSchemas(),
      payload: {
        type: "object",
        description: "Octets that strategies name: hex:00ff, or file:hello.bin.",
        additionalProperties: { type: "string", pattern: "^(hex|file):" },
      },
      rule: { type: "array", items: ruleSchema(), description: "Rules." },
    }),
  };
}
