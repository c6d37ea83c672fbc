// The figures of a service as text that Prometheus reads (its exposition format, version 0.0.4). A handful of lines: a
// client library keeps figures of its own and histograms, and here the figures are there already.

/** One figure, with what it is told apart by. */
export interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What one name stands for. */
export interface Metric {
  /** Such as bunnel_packets_total: counters end in _total, units are base units. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "untyped";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** What the answer to a scrape says it is. */
export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The text; metrics without a sample are left out. */
export function exposition(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
      return head + samples.map((sample) => `${name}${labelText(sample.labels)} ${sample.value}\n`).join("");
    })
    .join("");
}

function labelText(labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
