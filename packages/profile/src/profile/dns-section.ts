// The section [dns]: who answers the queries that rules with `dns: doh` take out, and how.
import { isIP } from "node:net";
import * as v from "valibot";
import { Fault } from "../errors.ts";
import { deepFreeze } from "../freeze.ts";
import { readHostName } from "../host-name.ts";
import { shown } from "../wording.ts";
import type { Files } from "./files.ts";
import { table as jsonTable, text, texts, whole as jsonWhole, type JsonSchema } from "./json-schema-parts.ts";
import { list, oneOf, read, table, whole } from "./schema-words.ts";
import { readPath } from "./values.ts";

export const DNS_METHODS = ["post", "get"] as const;
/** How a server is asked over HTTPS. */
export type DnsMethod = (typeof DNS_METHODS)[number];

export const DNS_FALLBACKS = ["none", "system"] as const;
/** Who answers when no upstream does: nobody, or in plain DNS the server that was asked. */
export type DnsFallback = (typeof DNS_FALLBACKS)[number];

/** A server that is asked over HTTPS. */
export interface DnsUpstream {
  /** https; the name in it is the one that the certificate must carry. */
  readonly url: string;
  /** Where that name is. None: the URL has an address. */
  readonly addresses: readonly string[];
}

/** Certificates of authorities, from a file. */
export interface CertificatesFile {
  /** As the profile says it. */
  readonly path: string;
  readonly pem: string;
}

/** The `[dns]` of a profile. */
export interface DnsSettings {
  /** Asked in this order; at least one. */
  readonly upstreams: readonly DnsUpstream[];
  readonly method: DnsMethod;
  /** In the place of the system's. */
  readonly certificates?: CertificatesFile;
  readonly timeoutMs: number;
  readonly nextUpstreamMs: number;
  readonly cacheEntries: number;
  readonly ttlMinSeconds: number;
  readonly ttlMaxSeconds: number;
  readonly negativeTtlMaxSeconds: number;
  readonly maxPending: number;
  readonly fallback: DnsFallback;
  /** Names that the server that was asked answers, with everything below them. */
  readonly systemNames: readonly string[];
}

const UPSTREAMS_MAX = 16;
const TIMEOUT_MAX_MS = 60_000;
const CACHE_MAX = 1_000_000;
const TTL_MAX_SECONDS = 7 * 86_400;
const PENDING_MAX = 65_536;

export const DNS_DEFAULTS: DnsSettings = deepFreeze({
  upstreams: ["1.1.1.1", "9.9.9.9", "8.8.8.8"].map((host) => ({ url: `https://${host}/dns-query`, addresses: [] })),
  method: DNS_METHODS[0],
  timeoutMs: 4000,
  nextUpstreamMs: 500,
  cacheEntries: 4096,
  ttlMinSeconds: 30,
  ttlMaxSeconds: 3600,
  negativeTtlMaxSeconds: 300,
  maxPending: 512,
  fallback: DNS_FALLBACKS[0],
  systemNames: ["lan", "local", "localdomain", "home.arpa", "internal"],
});

/** `https://dns.example.org/dns-query 192.0.2.53 2001:db8::53`: a URL, and where its name is. */
function readUpstream(value: unknown): DnsUpstream | Fault {
  const expected = 'expected "https://name/path address…" or "https://address/path"';
  if (typeof value !== "string") return new Fault(`${expected}, found ${shown(value)}`);
  const [url = "", ...addresses] = value.trim().split(/\s+/);
  const parsed = URL.parse(url);
  if (parsed?.protocol !== "https:" || parsed.username !== "" || parsed.hash !== "") {
    return new Fault(`${expected}, found ${shown(value)}`);
  }
  const wrong = addresses.find((address) => isIP(address) === 0);
  if (wrong !== undefined) return new Fault(`${expected}, found ${shown(wrong)} where an address stands`);
  const host = parsed.hostname.startsWith("[") ? parsed.hostname.slice(1, -1) : parsed.hostname;
  if (addresses.length > 0 || isIP(host) !== 0) return { url: parsed.href, addresses };
  const why = `no address of ${host}, and no system DNS is asked for it`;
  return new Fault(`${expected}, found ${shown(value)}: ${why}`);
}

function readName(value: unknown): string | Fault {
  return typeof value === "string" ? readHostName(value) : new Fault(`expected a name, found ${shown(value)}`);
}

export const dnsTable = table({
  upstreams: v.optional(
    v.pipe(
      list(read(readUpstream)),
      v.check(({ length }) => length > 0 && length <= UPSTREAMS_MAX, `expected 1 to ${UPSTREAMS_MAX} upstreams`),
    ),
    DNS_DEFAULTS.upstreams.map(upstreamText),
  ),
  method: v.optional(oneOf(DNS_METHODS), DNS_DEFAULTS.method),
  certificates_file: v.optional(read(readPath), ""),
  timeout_ms: v.optional(whole(100, TIMEOUT_MAX_MS), DNS_DEFAULTS.timeoutMs),
  next_upstream_ms: v.optional(whole(1, TIMEOUT_MAX_MS), DNS_DEFAULTS.nextUpstreamMs),
  cache_entries: v.optional(whole(0, CACHE_MAX), DNS_DEFAULTS.cacheEntries),
  ttl_min_seconds: v.optional(whole(0, TTL_MAX_SECONDS), DNS_DEFAULTS.ttlMinSeconds),
  ttl_max_seconds: v.optional(whole(0, TTL_MAX_SECONDS), DNS_DEFAULTS.ttlMaxSeconds),
  negative_ttl_max_seconds: v.optional(whole(0, TTL_MAX_SECONDS), DNS_DEFAULTS.negativeTtlMaxSeconds),
  max_pending: v.optional(whole(1, PENDING_MAX), DNS_DEFAULTS.maxPending),
  fallback: v.optional(oneOf(DNS_FALLBACKS), DNS_DEFAULTS.fallback),
  system_names: v.optional(list(read(readName)), [...DNS_DEFAULTS.systemNames]),
});

/** The certificates that the section names; undefined: none. */
export function readCertificates(section: unknown, files: Files): CertificatesFile | Fault | undefined {
  const path =
    typeof section === "object" && section !== null && "certificates_file" in section ? section.certificates_file : "";
  if (typeof path !== "string" || path === "") return undefined;
  const octets = files.octets(path);
  if (octets instanceof Fault) return octets;
  const pem = new TextDecoder().decode(octets);
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return { path, pem };
  return new Fault(`expected a file with certificates in PEM, found ${shown(path)} without one`);
}

/** The section from what was read. */
export function buildDns(input: v.InferOutput<typeof dnsTable>, certificates?: CertificatesFile): DnsSettings {
  return {
    upstreams: input.upstreams,
    method: input.method,
    ...(certificates && { certificates }),
    timeoutMs: input.timeout_ms,
    nextUpstreamMs: input.next_upstream_ms,
    cacheEntries: input.cache_entries,
    ttlMinSeconds: Math.min(input.ttl_min_seconds, input.ttl_max_seconds),
    ttlMaxSeconds: input.ttl_max_seconds,
    negativeTtlMaxSeconds: input.negative_ttl_max_seconds,
    maxPending: input.max_pending,
    fallback: input.fallback,
    systemNames: [...new Set(input.system_names)],
  };
}

function upstreamText({ url, addresses }: DnsUpstream): string {
  return [url, ...addresses].join(" ");
}

/** Key and value of each line, in the order of the sample. */
function linesOf(dns: DnsSettings): readonly (readonly [key: string, value: string])[] {
  return [
    ["upstreams", listOf(dns.upstreams.map(upstreamText))],
    ["method", JSON.stringify(dns.method)],
    ["certificates_file", JSON.stringify(dns.certificates?.path ?? "")],
    ["timeout_ms", String(dns.timeoutMs)],
    ["next_upstream_ms", String(dns.nextUpstreamMs)],
    ["cache_entries", String(dns.cacheEntries)],
    ["ttl_min_seconds", String(dns.ttlMinSeconds)],
    ["ttl_max_seconds", String(dns.ttlMaxSeconds)],
    ["negative_ttl_max_seconds", String(dns.negativeTtlMaxSeconds)],
    ["max_pending", String(dns.maxPending)],
    ["fallback", JSON.stringify(dns.fallback)],
    ["system_names", listOf(dns.systemNames)],
  ];
}

function listOf(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
}

/** The section as TOML. */
export function printDns(dns: DnsSettings): string {
  return ["[dns]", ...linesOf(dns).map(([key, value]) => `${key} = ${value}`)].join("\n");
}

const COMMENTS: Readonly<Record<string, readonly string[]>> = {
  upstreams: [
    "Asked over HTTPS in this order: a URL with an address, or a URL with a name and its addresses behind it, as in",
    '"https://dns.example.org/dns-query 192.0.2.53 2001:db8::53". The next one is asked when one fails or is slow.',
  ],
  method: ['"post" or "get".'],
  certificates_file: ["Certificates of authorities in PEM, in the place of the system's. Empty: the system's."],
  timeout_ms: ["A question without an answer for so long is answered SERVFAIL."],
  next_upstream_ms: ["The next upstream is asked after so long."],
  cache_entries: ["Answers that are kept, and the bounds of how long. Without records: at most the third."],
  max_pending: ["Questions under way at a time."],
  fallback: [
    'Who answers when no upstream does. "none": nobody, SERVFAIL. "system": the server that was asked, in plain DNS.',
  ],
  system_names: [
    "Names that only the server that was asked knows, with everything below them; it is asked for them in plain DNS.",
    "So is it for the names of private addresses (RFC 6303).",
  ],
};

/** The section as the sample has it. */
export function dnsText(): string {
  const lines = linesOf(DNS_DEFAULTS).flatMap(([key, value]) => [
    ...(COMMENTS[key] ?? []).map((line) => `# ${line}`),
    `${key} = ${value}`,
  ]);
  return `# Who answers the queries of rules with "dns: doh".\n[dns]\n${lines.join("\n")}\n`;
}

/** The section as JSON Schema. */
export function dnsSchema(): JsonSchema {
  const d = DNS_DEFAULTS;
  const ttl = (description: string, value: number): JsonSchema => jsonWhole(description, 0, TTL_MAX_SECONDS, value);
  return jsonTable("Who answers the queries of rules with dns: doh.", {
    upstreams: {
      ...texts("https://address/path, or https://name/path address…", { type: "string", pattern: "^\\s*https://" }),
      minItems: 1,
      maxItems: UPSTREAMS_MAX,
      default: d.upstreams.map(upstreamText),
    },
    method: text("How a server is asked.", { enum: DNS_METHODS, default: d.method }),
    certificates_file: text("Certificates of authorities in PEM. Empty: the system's.", { default: "" }),
    timeout_ms: jsonWhole("How long a question may take.", 100, TIMEOUT_MAX_MS, d.timeoutMs),
    next_upstream_ms: jsonWhole("The next upstream is asked after so long.", 1, TIMEOUT_MAX_MS, d.nextUpstreamMs),
    cache_entries: jsonWhole("Answers that are kept.", 0, CACHE_MAX, d.cacheEntries),
    ttl_min_seconds: ttl("An answer is kept at least so long.", d.ttlMinSeconds),
    ttl_max_seconds: ttl("An answer is kept at most so long.", d.ttlMaxSeconds),
    negative_ttl_max_seconds: ttl("So is one without records.", d.negativeTtlMaxSeconds),
    max_pending: jsonWhole("Questions under way at a time.", 1, PENDING_MAX, d.maxPending),
    fallback: text("Who answers when no upstream does.", { enum: DNS_FALLBACKS, default: d.fallback }),
    system_names: { ...texts("Names that only the server that was asked knows."), default: d.systemNames },
  });
}
