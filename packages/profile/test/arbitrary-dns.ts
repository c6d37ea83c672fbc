// Any section [dns].
import fc from "fast-check";
import type { DnsSettings } from "../src/profile/dns-section.ts";
import { anyHostName } from "./arbitrary-host.ts";

/** The file of `test/files.ts` that holds it. */
export const CERTIFICATES = {
  path: "ca.pem",
  pem: "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
} as const;

const anyUpstream = fc.oneof(
  fc
    .constantFrom("https://192.0.2.53/dns-query", "https://[2001:db8::53]:8443/")
    .map((url) => ({ url, addresses: [] })),
  anyHostName.map((host) => ({ url: `https://${host}/dns-query`, addresses: ["192.0.2.53", "2001:db8::53"] })),
);

const seconds = fc.integer({ min: 0, max: 604_800 });

export const anyDns: fc.Arbitrary<DnsSettings> = fc
  .record(
    {
      upstreams: fc.array(anyUpstream, { minLength: 1, maxLength: 3 }),
      method: fc.constantFrom("post" as const, "get" as const),
      certificates: fc.constant(CERTIFICATES),
      timeoutMs: fc.integer({ min: 100, max: 60_000 }),
      nextUpstreamMs: fc.integer({ min: 1, max: 60_000 }),
      cacheEntries: fc.nat(1_000_000),
      ttlMinSeconds: seconds,
      ttlMaxSeconds: seconds,
      negativeTtlMaxSeconds: seconds,
      maxPending: fc.integer({ min: 1, max: 65_536 }),
      fallback: fc.constantFrom("none" as const, "system" as const),
      systemNames: fc.uniqueArray(anyHostName, { maxLength: 3 }),
    },
    {
      requiredKeys: [
        ...(["upstreams", "method", "timeoutMs", "nextUpstreamMs", "cacheEntries", "ttlMinSeconds"] as const),
        ...(["ttlMaxSeconds", "negativeTtlMaxSeconds", "maxPending", "fallback", "systemNames"] as const),
      ],
      noNullPrototype: true,
    },
  )
  .map((dns) => ({ ...dns, ttlMinSeconds: Math.min(dns.ttlMinSeconds, dns.ttlMaxSeconds) }));
