// The flows that came up, those seen last first.
import type { FlowView } from "../contract.ts";
import { el, keyed, setText } from "./dom.ts";
import { duration, flowKey, octets, short } from "./format.ts";
import type { View } from "./view.ts";

const COLUMNS = [
  { title: "For", class: "" },
  { title: "Message", class: "" },
  { title: "Rule", class: "" },
  { title: "Verdict", class: "wide" },
  { title: "State", class: "wide" },
  { title: "Packets", class: "wide number" },
  { title: "Octets", class: "wide number" },
  { title: "Idle", class: "number" },
] as const;

export function flowsView(): View {
  const rows = el("tbody");
  const count = el("p", { class: "quiet", role: "status" });
  const search = el("input", {
    type: "search",
    id: "flow-search",
    autocomplete: "off",
    placeholder: "name, address, rule",
  });
  const planned = el("input", { type: "checkbox", id: "flow-planned" });
  const empty = el(
    "p",
    { class: "notice" },
    "No flow has come up yet. Packets that no rule can ask for stay in the kernel.",
  );
  const head = COLUMNS.map((column) => el("th", { scope: "col", class: column.class }, column.title));
  const table = el("table", { class: "flows" }, el("thead", {}, el("tr", {}, ...head)), rows);
  const element = el(
    "section",
    {},
    el("h1", {}, "Flows"),
    el(
      "div",
      { class: "tools" },
      el("label", { for: "flow-search" }, "Search"),
      search,
      el("label", { class: "check" }, planned, "sent by a plan"),
      count,
    ),
    el("div", { class: "card" }, table, empty),
  );
  return {
    element,
    update({ flows, flowsTotal }) {
      const wanted = search.value.trim().toLowerCase();
      const shown = flows.filter((flow) => {
        return (!planned.checked || flow.planned > 0) && textOf(flow).includes(wanted);
      });
      keyed(rows, shown, flowKey, flowRow, fillFlow);
      empty.hidden = flows.length > 0;
      table.hidden = flows.length === 0;
      setText(count, `${shown.length} shown of ${flowsTotal}`);
    },
  };
}

function textOf({ host = "", source, destination, rule = "", message = "" }: FlowView): string {
  return `${host} ${source} ${destination} ${rule} ${message}`.toLowerCase();
}

function flowRow(flow: FlowView): HTMLElement {
  const link = el("a", { href: `#/flow/${encodeURIComponent(flowKey(flow))}` });
  const first = el("td", {}, link, el("span", { class: "ends" }));
  return el("tr", {}, first, ...COLUMNS.slice(1).map((column) => el("td", { class: column.class })));
}

function fillFlow(row: HTMLElement, flow: FlowView): void {
  const [first, ...cells] = [...row.children];
  const { protocol, source, destination, host, message, rule, planned, verdict, state } = flow;
  if (first?.firstElementChild) setText(first.firstElementChild, host ?? destination);
  if (first?.lastElementChild) setText(first.lastElementChild, `${source} → ${destination}`);
  const texts = [
    `${protocol}${message === undefined ? "" : ` ${message}`}`,
    rule ?? "–",
    `${verdict?.toLowerCase() ?? (planned > 0 ? "replace" : "–")}${planned > 1 ? ` × ${planned}` : ""}`,
    state,
    `${short(flow.packetsOut)} / ${short(flow.packetsIn)}`,
    `${octets(flow.bytesOut)} / ${octets(flow.bytesIn)}`,
    duration(flow.idleMs),
  ];
  for (const [i, text] of texts.entries()) {
    const cell = cells[i];
    if (cell !== undefined) setText(cell, text);
  }
}
