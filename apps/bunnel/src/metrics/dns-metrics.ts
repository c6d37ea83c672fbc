// The figures of the resolver, by name.
import type { BackendStats } from "@bunnel/backend";
import type { DnsFigures } from "../dns/dns-service.ts";
import type { Metric, Sample } from "./exposition.ts";

type Stats = Pick<BackendStats, "queriesTaken" | "queriesAnswered" | "queriesDropped"> & { readonly dns: DnsFigures };
type Upstream = DnsFigures["upstreams"][number];

/** Of a service that answers queries, and of one that does not: then they stand at 0. */
export function dnsMetrics({ dns, queriesTaken, queriesAnswered, queriesDropped }: Stats): Metric[] {
  const { asked, fromCache, joined, passedOn, failed, fellBack, refused, malformed, cached, upstreams } = dns;
  const taken = { taken: queriesTaken, answered: queriesAnswered, dropped: queriesDropped };
  const results = { asked, fromCache, joined, passedOn, failed, fellBack, refused, malformed };
  return [
    {
      name: "bunnel_dns_queries_total",
      type: "counter",
      help: "DNS queries that rules took out, by what became of them.",
      samples: samplesOf("outcome", taken),
    },
    {
      name: "bunnel_dns_results_total",
      type: "counter",
      help: "What the resolver made of queries, since its settings were put in force.",
      samples: samplesOf("result", results),
    },
    { name: "bunnel_dns_cached", type: "gauge", help: "Answers that are kept.", samples: [{ value: cached }] },
    {
      name: "bunnel_dns_upstream_queries_total",
      type: "counter",
      help: "Queries that were put to an upstream, by what became of them.",
      samples: byName(upstreams).flatMap(([upstream, entries]) =>
        (["asked", "answered", "failed", "outrun"] as const).map((outcome) => {
          return { value: sum(entries, outcome), labels: { upstream, outcome } };
        }),
      ),
    },
    {
      name: "bunnel_dns_upstream_up",
      type: "gauge",
      help: "Whether an upstream is asked now.",
      samples: byName(upstreams).map(([upstream, entries]) => {
        return { value: entries.every(({ isWell }) => isWell) ? 1 : 0, labels: { upstream } };
      }),
    },
  ];
}

function samplesOf(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ value, labels: { [label]: name } }));
}

/** Two rules can name one server: a name stands once in what is exposed. */
function byName(upstreams: readonly Upstream[]): [string, readonly Upstream[]][] {
  return [...Map.groupBy(upstreams, ({ name }) => name)];
}

function sum(upstreams: readonly Upstream[], figure: "asked" | "answered" | "failed" | "outrun"): number {
  return upstreams.reduce((total, upstream) => total + upstream[figure], 0);
}
