// The `[stream]` and the `[proxy]` of a profile: what sockets of ours may take, and where a proxy listens.
import { parseEndpoint } from "@bunnel/wire";
import * as v from "valibot";
import { Fault } from "../errors.ts";
import { deepFreeze } from "../freeze.ts";
import { shown } from "../wording.ts";
import { table as jsonTable, text, texts, whole as jsonWhole, type JsonSchema } from "./json-schema-parts.ts";
import { list, read, table, whole, yesOrNo } from "./schema-words.ts";

/** The `[stream]` of a profile. */
export interface StreamSettings {
  /** Flows that are carried on at a time. */
  readonly maxFlows: number;
  /** 0: never. */
  readonly idleTimeoutSeconds: number;
  readonly connectTimeoutSeconds: number;
  /** How long a first message that has begun may take to be whole. */
  readonly messageTimeoutMs: number;
  /** A connection to an address that a DNS answer has told is chosen by its name. */
  readonly byName: boolean;
  readonly maxDatagramSessions: number;
  readonly datagramTimeoutSeconds: number;
}

/** The `[proxy]` of a profile. */
export interface ProxySettings {
  /** Addresses with ports: "127.0.0.1:1080", "[::1]:1080". */
  readonly listen: readonly string[];
  /** Whether they may be others than loopback ones. */
  readonly remote: boolean;
  /** Empty: nobody is asked. */
  readonly user: string;
  readonly password: string;
  /** Whether SOCKS clients may send datagrams. */
  readonly udp: boolean;
}

export const STREAM_DEFAULTS: StreamSettings = deepFreeze({
  maxFlows: 16_384,
  idleTimeoutSeconds: 3600,
  connectTimeoutSeconds: 20,
  messageTimeoutMs: 1000,
  byName: false,
  maxDatagramSessions: 1024,
  datagramTimeoutSeconds: 60,
});

export const PROXY_DEFAULTS: ProxySettings = deepFreeze({
  listen: ["127.0.0.1:1080"],
  remote: false,
  user: "",
  password: "",
  udp: true,
});

const FLOWS_MAX = 1_000_000;
const SECONDS_MAX = 86_400;
const CONNECT_SECONDS_MAX = 300;
const MESSAGE_MS = { min: 10, max: 60_000 } as const;
const SESSIONS_MAX = 65_536;
/** RFC 1929 section 2: a length of one octet. */
const CREDENTIAL_MAX_BYTES = 255;
const encoder = new TextEncoder();

function readListen(value: unknown): string | Fault {
  try {
    if (typeof value === "string" && parseEndpoint(value).port >= 0) return value;
  } catch {
    // Told below, with the value.
  }
  return new Fault(`expected an address and a port such as "127.0.0.1:1080" or "[::1]:1080", found ${shown(value)}`);
}

function readCredential(value: unknown): string | Fault {
  if (typeof value === "string" && encoder.encode(value).length <= CREDENTIAL_MAX_BYTES) return value;
  return new Fault(`expected a text of up to ${CREDENTIAL_MAX_BYTES} octets, found ${shown(value)}`);
}

/** The schema of `[stream]`. */
export const streamTable = table({
  max_flows: v.optional(whole(1, FLOWS_MAX), STREAM_DEFAULTS.maxFlows),
  idle_timeout_seconds: v.optional(whole(1, SECONDS_MAX, 0), STREAM_DEFAULTS.idleTimeoutSeconds),
  connect_timeout_seconds: v.optional(whole(1, CONNECT_SECONDS_MAX), STREAM_DEFAULTS.connectTimeoutSeconds),
  message_timeout_ms: v.optional(whole(MESSAGE_MS.min, MESSAGE_MS.max), STREAM_DEFAULTS.messageTimeoutMs),
  by_name: v.optional(yesOrNo, STREAM_DEFAULTS.byName),
  max_datagram_sessions: v.optional(whole(1, SESSIONS_MAX), STREAM_DEFAULTS.maxDatagramSessions),
  datagram_timeout_seconds: v.optional(whole(1, SECONDS_MAX), STREAM_DEFAULTS.datagramTimeoutSeconds),
});

/** The schema of `[proxy]`. */
export const proxyTable = table({
  listen: v.optional(list(read(readListen)), [...PROXY_DEFAULTS.listen]),
  remote: v.optional(yesOrNo, PROXY_DEFAULTS.remote),
  user: v.optional(read(readCredential), PROXY_DEFAULTS.user),
  password: v.optional(read(readCredential), PROXY_DEFAULTS.password),
  udp: v.optional(yesOrNo, PROXY_DEFAULTS.udp),
});

/** What was read of `[stream]`, as the profile has it. */
export function buildStream(input: v.InferOutput<typeof streamTable>): StreamSettings {
  return {
    maxFlows: input.max_flows,
    idleTimeoutSeconds: input.idle_timeout_seconds,
    connectTimeoutSeconds: input.connect_timeout_seconds,
    messageTimeoutMs: input.message_timeout_ms,
    byName: input.by_name,
    maxDatagramSessions: input.max_datagram_sessions,
    datagramTimeoutSeconds: input.datagram_timeout_seconds,
  };
}

/** What is wrong with a `[proxy]` whose keys are right each by itself. */
export function proxyFaults(input: unknown): readonly { readonly key: string; readonly text: string }[] {
  const parsed = v.safeParse(proxyTable, input);
  if (!parsed.success) return [];
  const { listen, remote, user, password } = parsed.output;
  const faults: { key: string; text: string }[] = [];
  const far = listen.find((endpoint) => !isLoopback(endpoint));
  if (far !== undefined && !remote) {
    faults.push({
      key: "listen",
      text: `expected loopback addresses, or remote = true beside them, found ${shown(far)}`,
    });
  }
  if (user === "" && password !== "") {
    faults.push({ key: "password", text: "expected a user beside it, found none" });
  }
  return faults;
}

/** Whether an endpoint is one that no other machine reaches (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3). */
export function isLoopback(endpoint: string): boolean {
  const { address } = parseEndpoint(endpoint);
  return address === "::1" || address.startsWith("127.");
}

/** The entries of both sections, as a profile's text has them. */
export function streamEntries(stream: StreamSettings): readonly (readonly [string, string])[] {
  return [
    ["max_flows", String(stream.maxFlows)],
    ["idle_timeout_seconds", String(stream.idleTimeoutSeconds)],
    ["connect_timeout_seconds", String(stream.connectTimeoutSeconds)],
    ["message_timeout_ms", String(stream.messageTimeoutMs)],
    ["by_name", String(stream.byName)],
    ["max_datagram_sessions", String(stream.maxDatagramSessions)],
    ["datagram_timeout_seconds", String(stream.datagramTimeoutSeconds)],
  ];
}

export function proxyEntries(proxy: ProxySettings): readonly (readonly [string, string])[] {
  return [
    ["listen", `[${proxy.listen.map((endpoint) => JSON.stringify(endpoint)).join(", ")}]`],
    ["remote", String(proxy.remote)],
    ["user", JSON.stringify(proxy.user)],
    ["password", JSON.stringify(proxy.password)],
    ["udp", String(proxy.udp)],
  ];
}

/** Both sections as the commented sample has them. */
export function streamSectionsText(): string {
  const stream = STREAM_DEFAULTS;
  const proxy = PROXY_DEFAULTS;
  return `# Flows that sockets of bunnel's carry on: those of rules with stream egress, and those of the proxy.
[stream]
# Flows at a time; fewer where the process may not have two descriptors for each.
max_flows = ${stream.maxFlows}
# A flow without an octet for so long is ended. 0: never.
idle_timeout_seconds = ${stream.idleTimeoutSeconds}
# A server that does not answer for so long is told as unreachable.
connect_timeout_seconds = ${stream.connectTimeoutSeconds}
# A first message that has begun may take so long to be whole; then it goes on as it is.
message_timeout_ms = ${stream.messageTimeoutMs}
# Whether a connection to an address that an answer of [dns] has told is chosen by its name at once; others are taken by
# their ports, and their hosts looked at later. Names that share an address are then not told apart.
by_name = ${stream.byName}
# UDP sockets at a time, and how long each stays without a datagram.
max_datagram_sessions = ${stream.maxDatagramSessions}
datagram_timeout_seconds = ${stream.datagramTimeoutSeconds}

# "bunnel proxy": SOCKS 5 and HTTP, for programs that can be told to use a proxy.
[proxy]
# Where it listens: "127.0.0.1:1080", "[::1]:1080".
listen = [${proxy.listen.map((endpoint) => JSON.stringify(endpoint)).join(", ")}]
# Whether it may listen where other machines reach it.
remote = ${proxy.remote}
# What clients must say. Empty: nothing.
user = ${JSON.stringify(proxy.user)}
password = ${JSON.stringify(proxy.password)}
# Whether SOCKS clients may send datagrams.
udp = ${proxy.udp}
`;
}

/** Both sections in the JSON Schema. */
export function streamJsonSchemas(): { readonly stream: JsonSchema; readonly proxy: JsonSchema } {
  const stream = STREAM_DEFAULTS;
  const { remote, user, password, udp, listen } = PROXY_DEFAULTS;
  const seconds = (about: string, least: number, most: number, value: number) => jsonWhole(about, least, most, value);
  return {
    stream: jsonTable("Flows that sockets carry on.", {
      max_flows: jsonWhole("Flows at a time.", 1, FLOWS_MAX, stream.maxFlows),
      idle_timeout_seconds: seconds("A silent flow is ended. 0: never.", 0, SECONDS_MAX, stream.idleTimeoutSeconds),
      connect_timeout_seconds: seconds(
        "A silent server is unreachable.",
        1,
        CONNECT_SECONDS_MAX,
        stream.connectTimeoutSeconds,
      ),
      message_timeout_ms: jsonWhole(
        "How long a first message may take to be whole.",
        MESSAGE_MS.min,
        MESSAGE_MS.max,
        stream.messageTimeoutMs,
      ),
      by_name: {
        type: "boolean",
        description: "Whether a connection whose name a DNS answer has told is chosen by it.",
        default: stream.byName,
      },
      max_datagram_sessions: jsonWhole("UDP sockets at a time.", 1, SESSIONS_MAX, stream.maxDatagramSessions),
      datagram_timeout_seconds: seconds(
        "A silent UDP socket is closed.",
        1,
        SECONDS_MAX,
        stream.datagramTimeoutSeconds,
      ),
    }),
    proxy: jsonTable("SOCKS 5 and HTTP.", {
      listen: { ...texts('Where it listens: "127.0.0.1:1080", "[::1]:1080".'), default: listen },
      remote: { type: "boolean", description: "Whether other machines may reach it.", default: remote },
      user: text("What clients must say. Empty: nothing.", { default: user }),
      password: text("The user's password.", { default: password }),
      udp: { type: "boolean", description: "Whether SOCKS clients may send datagrams.", default: udp },
    }),
  };
}
