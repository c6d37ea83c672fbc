// What happened, the last first.
import type { LogLine } from "../contract.ts";
import { el, keyed, setText } from "./dom.ts";
import { clock } from "./format.ts";
import type { View } from "./view.ts";

export function logView(): View {
  const list = el("ol", { class: "log" });
  const empty = el("p", { class: "notice" }, "Nothing has happened yet.");
  return {
    element: el(
      "section",
      {},
      el("h1", {}, "Log"),
      el("div", { class: "card", role: "log", "aria-label": "Log" }, list, empty),
    ),
    update({ log }) {
      empty.hidden = log.length > 0;
      const lines = log.map((line, index) => ({ line, index })).toReversed();
      keyed(
        list,
        lines,
        ({ line, index }) => `${index} ${line.timeMs}`,
        lineRow,
        (row, { line }) => fillLine(row, line),
      );
    },
  };
}

function lineRow({ line }: { readonly line: LogLine }): HTMLElement {
  const time = el("time", { datetime: new Date(line.timeMs).toISOString() }, clock(line.timeMs));
  return el("li", { class: line.kind }, time, el("span", { class: "kind" }, line.kind), el("span", { class: "text" }));
}

function fillLine(row: HTMLElement, { text }: LogLine): void {
  if (row.lastElementChild) setText(row.lastElementChild, text);
}
