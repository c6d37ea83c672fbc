// Which figures of a service there are, by name.
import { Reason, Verdict, verdictOf } from "@bunnel/abi";
import type { RuleLine } from "../control/answers.ts";
import type { ServiceStatus } from "../commands/status.ts";
import { dnsMetrics } from "./dns-metrics.ts";
import { memoryMetrics } from "./memory-metrics.ts";
import type { Metric, Sample } from "./exposition.ts";
import { streamMetrics } from "./stream-metrics.ts";

/** What a running service says. */
export interface ServiceFigures {
  readonly status: ServiceStatus;
  readonly rules: readonly RuleLine[];
}

/** The metrics of a service; without one, the one that says that it is down. */
export function serviceMetrics(figures: ServiceFigures | undefined, version: string): Metric[] {
  const up = gauge("bunnel_up", "Whether the service answers.", figures === undefined ? 0 : 1);
  if (figures === undefined) return [up];
  const { status, rules } = figures;
  return [
    up,
    gauge("bunnel_info", "What runs: the value is always 1.", 1, infoLabels(status, version)),
    gauge("bunnel_uptime_seconds", "How long the service has carried traffic.", status.uptimeMs / 1000),
    counter("bunnel_packets_total", "Packets that came up, by verdict and reason.", packets(status)),
    counter("bunnel_bytes_total", "Octets of packets that came up.", [{ value: status.bytesIn }]),
    counter("bunnel_messages_total", "Messages that were recognised, by kind.", messages(status)),
    counter("bunnel_pieces_total", "Pieces of messages that were sent by a plan.", [{ value: status.pieces }]),
    counter("bunnel_fakes_total", "Decoys that were sent.", [{ value: status.fakes }]),
    counter("bunnel_egress_packets_total", "Packets on the way out, by what became of them.", egress(status)),
    counter("bunnel_turns_total", "Bursts that were worked on.", [{ value: status.turns }]),
    counter("bunnel_tap_dropped_total", "Answers of servers that were not read in time.", [
      { value: status.tapDropped },
    ]),
    gauge("bunnel_flows", "Flows in the table.", status.flows),
    counter("bunnel_flows_total", "Flows, by what became of them in the table.", flows(status)),
    counter("bunnel_rule_decided_total", "Messages that a rule decided since it was put in force.", decided(rules)),
    { ...counter("bunnel_rule_flows", "Flows in the table that a rule decided.", ruleFlows(rules)), type: "gauge" },
    counter("bunnel_reloads_total", "Times that the profile was read again, by outcome.", reloads(status)),
    ...dnsMetrics(status),
    ...memoryMetrics(status.memory),
    ...streamMetrics(status),
  ];
}

function gauge(name: string, help: string, value: number, labels: Sample["labels"] = {}): Metric {
  return { name, type: "gauge", help, samples: [{ value, labels }] };
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: "counter", help, samples };
}

function infoLabels({ device, method, profile, uplinks }: ServiceStatus, version: string): Record<string, string> {
  return { version, device, method, profile, uplinks: uplinks.join(",") };
}

/** Every reason that there is, also those that never happened: a rate needs a beginning. */
function packets({ reasons }: ServiceStatus): Sample[] {
  const known = Object.values(Reason).filter((reason) => typeof reason === "number");
  return known.map((reason) => {
    const name = Reason[reason] ?? String(reason);
    const verdict = (Verdict[verdictOf(reason)] ?? "").toLowerCase();
    return { value: reasons[name] ?? 0, labels: { verdict, reason: name } };
  });
}

function messages(status: ServiceStatus): Sample[] {
  const { messagesTls, messagesHttp, messagesQuic, messagesDns, messagesSyn } = status;
  const kinds = { tls: messagesTls, http: messagesHttp, quic: messagesQuic, dns: messagesDns, syn: messagesSyn };
  return labelled("kind", kinds);
}

function egress({ egressSent, egressRefused, queueDropped, answersDropped }: ServiceStatus): Sample[] {
  const dropped = { dropped: queueDropped, dropped_answer: answersDropped };
  return labelled("outcome", { sent: egressSent, refused: egressRefused, ...dropped });
}

function flows({ flowsInserted, flowsEvicted, flowsExpired, flowsUntracked }: ServiceStatus): Sample[] {
  const events = { inserted: flowsInserted, evicted: flowsEvicted, expired: flowsExpired, untracked: flowsUntracked };
  return labelled("event", events);
}

function decided(rules: readonly RuleLine[]): Sample[] {
  return rules.map((rule) => ({ value: rule.decided, labels: { rule: rule.name } }));
}

function ruleFlows(rules: readonly RuleLine[]): Sample[] {
  return rules.map((rule) => ({ value: rule.flows, labels: { rule: rule.name } }));
}

function reloads({ reloads: { done, refused } }: ServiceStatus): Sample[] {
  return labelled("outcome", { done, refused });
}

function labelled(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ value, labels: { [label]: name } }));
}
