// One recommendation out of all results: for each kind the strategy that serves the most hosts, the cheapest of those;
// then the same for the hosts that are left. Hosts for which the same is to be done share a rule.
import type { Kind } from "@bunnel/profile";
import type { Diagnosis } from "../diagnose.ts";
import type { ProbeFamily } from "../observation.ts";
import type { Candidate } from "./candidates.ts";
import type { TrialResult } from "./search.ts";

/** A rule of a profile. */
export interface RecommendedRule {
  readonly hosts: readonly string[];
  readonly strategy: string;
  /** "stream": sockets of ours carry it, also where packets could; absent: as the strategy needs it. */
  readonly egress?: "stream";
}

export interface Recommendation {
  readonly rules: readonly RecommendedRule[];
  /** Hosts that are blocked and for which nothing worked, by kind. */
  readonly unsolved: readonly { readonly host: string; readonly kind: Kind }[];
  /** What was proved over the other family alone, for in this one every try is punished for an earlier one. */
  readonly unproved?: readonly { readonly host: string; readonly kind: Kind; readonly family: ProbeFamily }[];
}

const SEARCHED = ["tls", "http", "quic"] as const;

export function recommend(diagnoses: readonly Diagnosis[], results: readonly TrialResult[]): Recommendation {
  const chosen = new Map<string, Map<Kind, Candidate>>();
  const unsolved: { host: string; kind: Kind }[] = [];
  for (const kind of SEARCHED) {
    const hosts = diagnoses.filter(({ blocked }) => blocked.includes(kind)).map(({ host }) => host);
    const own = results.filter(({ candidate, works }) => works && candidate.kind === kind);
    const left = new Set(hosts);
    for (let best = mostServing(own, left); best !== undefined; best = mostServing(own, left)) {
      for (const host of best.hosts) {
        left.delete(host);
        const kinds = chosen.get(host) ?? new Map<Kind, Candidate>();
        chosen.set(host, kinds.set(kind, best.candidate));
      }
    }
    unsolved.push(...[...left].map((host) => ({ host, kind })));
  }
  const unproved = [...chosen].flatMap(([host, kinds]) =>
    [...kinds].flatMap(([kind, { strategy }]) =>
      (
        results.find((result) => result.works && result.host === host && result.candidate.strategy === strategy)
          ?.leftOut ?? []
      ).map((family) => ({ host, kind, family })),
    ),
  );
  const rules = new Map<string, RecommendedRule>();
  for (const { host, blocked } of diagnoses) {
    const rule = ruleOf(host, chosen.get(host) ?? new Map<Kind, Candidate>(), blocked);
    if (rule === undefined) continue;
    const key = `${rule.egress ?? ""} ${rule.strategy}`;
    rules.set(key, { ...rule, hosts: [...(rules.get(key)?.hosts ?? []), ...rule.hosts] });
  }
  return { rules: [...rules.values()], unsolved, ...(unproved.length > 0 && { unproved }) };
}

function mostServing(results: readonly TrialResult[], left: ReadonlySet<string>) {
  const found = new Map<string, { candidate: Candidate; hosts: string[] }>();
  for (const { candidate, host } of results) {
    if (!left.has(host)) continue;
    const entry = found.get(candidate.strategy) ?? { candidate, hosts: [] };
    entry.hosts.push(host);
    found.set(candidate.strategy, entry);
  }
  const ordered = [...found.values()].toSorted(
    (a, b) => b.hosts.length - a.hosts.length || a.candidate.rank - b.candidate.rank,
  );
  return ordered[0];
}

function ruleOf(
  host: string,
  kinds: ReadonlyMap<Kind, Candidate>,
  blocked: Diagnosis["blocked"],
): RecommendedRule | undefined {
  const parts = SEARCHED.flatMap((kind) => kinds.get(kind)?.strategy ?? []);
  const isTlsWell = !blocked.includes("tls") || kinds.has("tls");
  // Browsers take TCP when QUIC does not answer; told at once, they do not wait for it.
  if (blocked.includes("quic") && !kinds.has("quic") && isTlsWell) parts.push("quic: drop");
  if (blocked.includes("dns")) parts.push("dns: doh");
  if (parts.length === 0) return undefined;
  const isStream = [...kinds.values()].some(({ egress }) => egress === "stream");
  return { hosts: [host], strategy: parts.join("  "), ...(isStream && { egress: "stream" }) };
}
