// Every counter: verdicts and their reasons, kinds of messages, the way out; and the resolver's figures.
import type { StatusView } from "../contract.ts";
import { el, keyed, setText, setVariable } from "./dom.ts";
import { reasonWords, short } from "./format.ts";
import type { View } from "./view.ts";

interface Bar {
  readonly name: string;
  readonly label: string;
  readonly value: number;
  readonly kind?: string;
}

export function countersView(): View {
  const groups = [
    group("Packets by reason", ({ reasons }) => reasons),
    group("Messages recognised", ({ status }) => messageBars(status)),
    group("The way out", ({ status }) => egressBars(status)),
  ];
  return {
    element: el(
      "section",
      {},
      el("h1", {}, "Counters"),
      el("div", { class: "pair" }, ...groups.map((each) => each.element)),
    ),
    update({ status, reasons }) {
      const bars = reasons.map(({ name, verdict, packets }): Bar => {
        const kind = verdict.toLowerCase();
        return { name, label: `${kind}: ${reasonWords(name)}`, value: packets, kind };
      });
      const sorted = bars.toSorted((a, b) => b.value - a.value);
      for (const each of groups) each.update({ status, reasons: sorted });
    },
  };
}

/** Figures of the service's resolver, whatever they are called. */
export function dnsView(): View {
  const bars = group("Figures of the resolver", ({ dns }) => dns ?? []);
  const empty = el(
    "p",
    { class: "notice" },
    "This service answers no DNS queries. Where it does, queries, answers and failures are counted here.",
  );
  return {
    element: el("section", {}, el("h1", {}, "DNS"), empty, bars.element),
    update({ dns }) {
      const named = Object.entries(dns ?? {}).map(([name, value]) => ({
        name,
        label: name.replaceAll(".", " "),
        value,
      }));
      empty.hidden = dns !== undefined;
      bars.element.hidden = dns === undefined;
      bars.update({ status: undefined, reasons: [], dns: named });
    },
  };
}

interface Given {
  readonly status: StatusView | undefined;
  readonly reasons: readonly Bar[];
  readonly dns?: readonly Bar[];
}

function group(title: string, pick: (given: Given) => readonly Bar[]) {
  const list = el("ul", { class: "bars" });
  const empty = el("p", { class: "quiet" }, "Nothing yet.");
  return {
    element: el("section", { class: "card" }, el("h2", {}, title), list, empty),
    update(given: Given): void {
      const bars = pick(given);
      const most = Math.max(1, ...bars.map(({ value }) => value));
      empty.hidden = bars.length > 0;
      keyed(
        list,
        bars,
        ({ name }) => name,
        barRow,
        (row, bar) => fillBar(row, bar, most),
      );
    },
  };
}

function barRow({ kind = "" }: Bar): HTMLElement {
  return el(
    "li",
    {},
    el("span", { class: "label" }),
    el("span", { class: `fill ${kind}`, "aria-hidden": "true" }),
    el("b"),
  );
}

function fillBar(row: HTMLElement, { label, value }: Bar, most: number): void {
  const [name, , figure] = row.children;
  if (name !== undefined) setText(name, label);
  if (figure !== undefined) setText(figure, short(value));
  setVariable(row, "--part", `${(value / most) * 100}%`);
}

function messageBars(status: StatusView | undefined): Bar[] {
  if (status === undefined) return [];
  const { messagesTls, messagesHttp, messagesQuic, messagesDns, messagesSyn } = status;
  const kinds = { "TLS hellos": messagesTls, "HTTP requests": messagesHttp, "QUIC Initials": messagesQuic };
  return barsOf({ ...kinds, "DNS queries": messagesDns, SYNs: messagesSyn });
}

function egressBars(status: StatusView | undefined): Bar[] {
  if (status === undefined) return [];
  const { egressSent, egressRefused, queueDropped, pieces, fakes } = status;
  return barsOf({ sent: egressSent, pieces, decoys: fakes, refused: egressRefused, "without room": queueDropped });
}

function barsOf(figures: Readonly<Record<string, number>>): Bar[] {
  return Object.entries(figures).map(([name, value]) => ({ name, label: name, value }));
}
