// A probe in words: progress line by line, a table, and one recommendation.
import type { FindingKind } from "./diagnose.ts";
import type { ProbeEvent, ProbeReport } from "./probe.ts";
import { isStream } from "./search/candidates.ts";
import type { RecommendedRule } from "./search/recommend.ts";
import type { TrialResult } from "./search/search.ts";

const NAME_MAX = 60;
const FAILED_SHOWN = 12;
const SHUT: readonly FindingKind[] = ["ip-blocked", "port-blocked"];

/** What is printed while it runs; undefined: nothing. */
export function progressText(event: ProbeEvent): string | undefined {
  switch (event.type) {
    case "start":
      return [`probing ${event.hosts.join(", ")}`, ...event.missing.map((line) => `  ${line}`)].join("\n");
    case "looking":
      return `${event.host}: looking how it is blocked …`;
    case "waiting":
      return `${event.hosts.join(", ")}: blocked, or punished for what was before; waiting up to ${event.seconds} s`;
    case "seen": {
      const { host, summary, findings } = event.diagnosis;
      const known = event.isKnown ? " (known from before)" : "";
      return [`${host}: ${summary}${known}`, ...findings.map(({ says }) => `  ${says}`)].join("\n");
    }
    case "searching":
      return `trying ${event.candidates} strategies for ${event.kind} of ${event.hosts.join(", ")}, cheapest first`;
    case "trial": {
      const { result, used } = event;
      const mark = result.works ? "works" : "fails";
      const name = shortened(result.candidate.name);
      const so = `(${used.seconds} s, ${used.connections} connections)`;
      return `  ${mark}  ${name.padEnd(30)} ${result.host}: ${result.how}  ${so}`;
    }
  }
}

/** The table and the recommendation. */
export function reportText(report: ProbeReport): string {
  const { diagnoses, trials, used, cut } = report;
  const width = Math.max(0, ...diagnoses.map(({ host }) => host.length));
  const hosts = diagnoses.map(({ host, summary }) => `${host.padEnd(width)}  ${summary}`);
  const parts = [
    ["", "How they are blocked", ...hosts],
    ...(trials.length === 0 ? [] : [["", "What was tried", ...trialLines(trials)]]),
    ["", ...recommendationLines(report)],
    ["", `${used.seconds} s, ${used.connections} connections, ${Math.round(used.octets / 1024)} KiB.`],
    ...(cut === undefined ? [] : [[`Not everything was tried: ${cut}. The same command goes on from there.`]]),
  ];
  return parts.flat().join("\n");
}

function trialLines(trials: readonly TrialResult[]): readonly string[] {
  const working = trials.filter(({ works }) => works);
  const failed = trials.filter(({ works }) => !works);
  const ordered = [...working, ...failed.slice(0, FAILED_SHOWN)];
  const rows = ordered.map(({ works, times, host, candidate, how }) => [
    ...[works ? `works ${times}x` : "fails", candidate.kind, shortened(candidate.name)],
    ...[candidate.egress, String(candidate.cost), host, how],
  ]);
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const more = failed.length - FAILED_SHOWN;
  return more > 0 ? [...lines, `and ${more} more that failed`] : lines;
}

function shortened(name: string): string {
  return name.length <= NAME_MAX ? name : `${name.slice(0, NAME_MAX - 1)}…`;
}

function recommendationLines({ recommendation, diagnoses, missing }: ProbeReport): readonly string[] {
  const { rules, unsolved, unproved = [] } = recommendation;
  const isHopeless = diagnoses.some(({ findings }) => findings.some(({ kind }) => SHUT.includes(kind)));
  const lines: string[] = [];
  if (rules.length > 0) lines.push("Recommendation", ...rules.flatMap((rule) => ["", ...ruleLines(rule)]));
  else if (unsolved.length === 0 && !isHopeless) lines.push("Nothing needs to be done.");
  for (const { host, kind, family } of unproved) {
    const [proved, other] = [`IPv${10 - family}`, `IPv${family}`];
    lines.push(
      "",
      `For ${kind} of ${host} this was proved over ${proved} alone: over ${other} the box punishes every try for an`,
      "earlier one, and this machine has no other address there. --source names one where it has.",
    );
  }
  for (const { host, kind } of unsolved) lines.push(`Nothing that was tried helps ${kind} of ${host}.`);
  if (isHopeless)
    lines.push("An address that is blocked is reached by no strategy: it takes another way, such as a VPN.");
  if (unsolved.length > 0) lines.push(...missing);
  return lines;
}

/** The rule as a profile has it. */
export function ruleLines({ hosts, strategy, egress }: RecommendedRule, name = "probe"): readonly string[] {
  return [
    "[[rule]]",
    `name = ${JSON.stringify(name)}`,
    `hosts = [${hosts.map((host) => JSON.stringify(host)).join(", ")}]`,
    ...(egress === undefined || isStream(strategy) ? [] : [`egress = "${egress}"`]),
    `strategy = ${JSON.stringify(strategy)}`,
  ];
}
