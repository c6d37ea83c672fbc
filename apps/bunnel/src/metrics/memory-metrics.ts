// The figures of what is learnt of hosts, by name. No host is named.
import { SYMPTOMS } from "../memory/contract.ts";
import type { MemoryFigures } from "../memory/memory-service.ts";
import type { Metric, Sample } from "./exposition.ts";

/** Of a service that remembers, and of one that does not: then they stand at 0. */
export function memoryMetrics(figures: MemoryFigures): Metric[] {
  const { learned = 0, pinned = 0, changes = {}, failures = {}, worked = 0, helpless = 0 } = figures;
  return [
    {
      name: "bunnel_strategy_changes_total",
      type: "counter",
      help: "Times that a host was given another strategy, by what failed.",
      samples: bySymptom(changes),
    },
    {
      name: "bunnel_strategy_exhausted_total",
      type: "counter",
      help: "Times that no strategy helped a host.",
      samples: [{ value: helpless }],
    },
    {
      name: "bunnel_flow_failures_total",
      type: "counter",
      help: "Flows that look blocked, by what was seen.",
      samples: bySymptom(failures),
    },
    {
      name: "bunnel_flow_successes_total",
      type: "counter",
      help: "Watched flows that brought an answer.",
      samples: [{ value: worked }],
    },
    {
      name: "bunnel_learned_hosts",
      type: "gauge",
      help: "Hosts of this network with a strategy of their own.",
      samples: [
        { value: learned, labels: { by: "traffic" } },
        { value: pinned, labels: { by: "user" } },
      ],
    },
  ];
}

/** Also those that never happened: a rate needs a beginning. */
function bySymptom(counts: Readonly<Record<string, number>>): Sample[] {
  return SYMPTOMS.map((symptom) => ({ value: counts[symptom] ?? 0, labels: { symptom } }));
}
