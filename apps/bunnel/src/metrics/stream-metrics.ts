// The figures of what sockets carry on, by name.
import type { BackendStats } from "@bunnel/backend";
import type { Metric, Sample } from "./exposition.ts";

type Stats = Pick<
  BackendStats,
  | "carried"
  | "carriedDropped"
  | "translationsMade"
  | "translationsExpired"
  | "translationsEvicted"
  | "translationsRefused"
>;

/** Of a service with stream rules, and of one without: then they stand at 0. */
export function streamMetrics(stats: Stats): Metric[] {
  const carried = stats.carried ?? {};
  const of = (name: string): number => carried[name] ?? 0;
  const translations = {
    made: stats.translationsMade,
    expired: stats.translationsExpired,
    evicted: stats.translationsEvicted,
    refused: stats.translationsRefused,
  };
  const datagrams = {
    ...{ sent: of("sent"), received: of("received"), refused: of("refused"), fragmentsLost: of("fragmentsLost") },
    dropped: of("dropped") + stats.carriedDropped,
  };
  const evicted = { session: of("sessionsEvicted"), echo: of("echoesEvicted") };
  return [
    {
      name: "bunnel_translations_total",
      type: "counter",
      help: "TCP flows that sockets carry on, by what became of their translation.",
      samples: samplesOf("event", translations),
    },
    {
      name: "bunnel_datagram_sessions",
      type: "gauge",
      help: "UDP sockets that carry datagrams on.",
      samples: [{ value: of("sessions") }],
    },
    {
      name: "bunnel_datagrams_total",
      type: "counter",
      help: "Datagrams that sockets carry on, by what became of them.",
      samples: samplesOf("outcome", datagrams),
    },
    {
      name: "bunnel_echoes_total",
      type: "counter",
      help: "Echo requests that were carried on, and replies that came.",
      samples: samplesOf("outcome", { sent: of("echoesSent"), received: of("echoesReceived") }),
    },
    {
      name: "bunnel_carried_evicted_total",
      type: "counter",
      help: "UDP sockets that were closed, and askers of echoes that were forgotten, because there were too many.",
      samples: samplesOf("kind", evicted),
    },
    {
      name: "bunnel_icmp_errors_told_total",
      type: "counter",
      help: "Errors of routers and hosts that were told to the programs whose datagrams they are about.",
      samples: [{ value: of("errorsTold") }],
    },
  ];
}

function samplesOf(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ value, labels: { [label]: name } }));
}
