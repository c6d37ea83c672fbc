// The service at a glance.
import type { RuleLine } from "../../control/answers.ts";
import type { StatusView } from "../contract.ts";
import { Chart, type ChartOptions } from "./charts.ts";
import { el, keyed, setText } from "./dom.ts";
import { duration, octets, short } from "./format.ts";
import type { Live } from "./live.ts";
import type { View } from "./view.ts";

type Figure = readonly [label: string, value: (status: StatusView, live: Live) => string];

const FIGURES: readonly Figure[] = [
  ["Looked at", ({ packetsIn }) => short(packetsIn)],
  ["Planned", ({ replaced }) => short(replaced)],
  ["Pieces sent", ({ pieces }) => short(pieces)],
  ["Decoys sent", ({ fakes }) => short(fakes)],
  ["Dropped", ({ dropped }) => short(dropped)],
  ["Flows", ({ flows }) => short(flows)],
  ["Running for", ({ uptimeMs }) => duration(uptimeMs)],
];

const FACTS: readonly Figure[] = [
  [
    "Device",
    ({ device, pumps }) =>
      `${device}, ${pumps.length} ${pumps.length === 1 ? "queue" : "queues"} (${pumps.join(", ")})`,
  ],
  ["Packets come up by", ({ method, uplinks }) => `${method} on ${uplinks.join(", ")}`],
  ["Profile", ({ profile, rules }) => `${profile}, ${rules} ${rules === 1 ? "rule" : "rules"}`],
  ["Reloads", ({ reloads: { done, refused } }) => `${done} done, ${refused} refused`],
  [
    "Way out",
    ({ egressSent, egressRefused, queueDropped }) =>
      `${short(egressSent)} sent, ${short(egressRefused)} refused, ${short(queueDropped)} without room`,
  ],
  ["Process", ({ pid }, { version }) => `${pid}, dashboard ${version}`],
];

const CHARTS: readonly ChartOptions[] = [
  {
    title: "Octets looked at, a second",
    lines: [{ label: "octets", color: "--blue", of: ({ bytes }) => bytes }],
    format: octets,
  },
  {
    title: "Packets a second, by verdict",
    lines: [
      { label: "passed", color: "--slate", of: ({ passed }) => passed },
      { label: "replaced", color: "--green", of: ({ replaced }) => replaced },
      { label: "held", color: "--amber", of: ({ held }) => held },
      { label: "dropped", color: "--red", of: ({ dropped }) => dropped },
    ],
    format: short,
  },
  {
    title: "Flows",
    lines: [
      { label: "in the table", color: "--violet", of: ({ flows }) => flows },
      { label: "new a second", color: "--teal", of: ({ flowsNew }) => flowsNew },
    ],
    format: short,
  },
];

export function overview(): View {
  const figures = FIGURES.map((figure) => ({ figure, value: el("dd", {}, "–") }));
  const facts = FACTS.map((figure) => ({ figure, value: el("dd", {}, "–") }));
  const charts = CHARTS.map((options) => new Chart(options));
  const rows = el("tbody");
  const cards = figures.map(({ figure: [label], value }) => {
    return el("div", { class: "card figure" }, el("dt", {}, label), value);
  });
  const lines = facts.flatMap(({ figure: [label], value }) => [el("dt", {}, label), value]);
  const service = el("section", { class: "card" }, el("h2", {}, "Service"), el("dl", { class: "facts" }, ...lines));
  const rules = el("section", { class: "card" }, el("h2", {}, "Rules"), rulesTable(rows));
  const element = el(
    "section",
    {},
    el("h1", {}, "Overview"),
    el("dl", { class: "cards" }, ...cards),
    el("div", { class: "charts" }, ...charts.map((chart) => chart.element)),
    el("div", { class: "pair" }, rules, service),
  );
  return {
    element,
    update(live) {
      const { status } = live;
      for (const chart of charts) chart.update(live.rates);
      for (const { figure, value } of [...figures, ...facts]) {
        setText(value, status === undefined ? "–" : figure[1](status, live));
      }
      keyed(rows, live.rules, ({ name }) => name, ruleRow, fillRule);
    },
    repaint: () => charts.forEach((chart) => chart.repaint()),
    dispose: () => charts.forEach((chart) => chart.dispose()),
  };
}

function rulesTable(rows: HTMLElement): HTMLElement {
  const head = ["Rule", "Decided", "Flows", "Strategy"].map((text, i) => {
    return el("th", { scope: "col", class: i === 1 || i === 2 ? "number" : i === 3 ? "wide" : false }, text);
  });
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), rows);
}

function ruleRow(): HTMLElement {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }),
    el("td", { class: "number" }),
    el("td", { class: "number" }),
    el("td", { class: "wide" }, el("code")),
  );
}

function fillRule(row: HTMLElement, { name, enabled, decided, flows, strategy }: RuleLine): void {
  const [title, messages, held, last] = row.children;
  if (title !== undefined) setText(title, enabled ? name : `${name} (off)`);
  if (messages !== undefined) setText(messages, short(decided));
  if (held !== undefined) setText(held, short(flows));
  if (last?.firstElementChild) setText(last.firstElementChild, strategy);
}
