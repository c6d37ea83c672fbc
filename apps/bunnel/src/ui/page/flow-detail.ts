// One flow, and what was done to its messages.
import type { ExchangeView, FlowView, PreviewAnswer, ProfileView, SampleKind } from "../contract.ts";
import { el, setText } from "./dom.ts";
import { clock, duration, flowKey, octets, reasonWords } from "./format.ts";
import type { Live } from "./live.ts";
import { ask } from "./session.ts";
import { timeline } from "./timeline.ts";
import type { View } from "./view.ts";

/** Exchanges of one flow that are shown, the last first. */
const SHOWN_MAX = 20;

export function flowDetail(key: string): View {
  const title = el("h1", {}, key);
  const facts = el("dl", { class: "facts" });
  const list = el("div", { class: "exchanges" });
  const [protocol = "", source = "", destination = ""] = key.split(" ");
  const element = el(
    "section",
    {},
    el("p", { class: "crumb" }, el("a", { href: "#/flows" }, "Flows")),
    title,
    el("section", { class: "card" }, el("h2", {}, "Flow"), facts),
    el("section", { class: "card" }, el("h2", {}, "What was done to it"), list),
  );
  let drawn = "";
  let isAsked = false;
  return {
    element,
    update(live) {
      const flow = live.flows.find((each) => flowKey(each) === key);
      const seen = live.exchanges.filter((each) => flowKey(each) === key);
      const host = flow?.host ?? seen.at(-1)?.host;
      setText(title, host ?? destination);
      fillFacts(facts, { protocol, source, destination }, flow);
      const shown = seen.slice(-SHOWN_MAX).toReversed();
      const state = shown.map(({ id }) => id).join(" ");
      if (shown.length > 0 && state !== drawn) list.replaceChildren(...shown.map((exchange) => exchangeCard(exchange)));
      drawn = state;
      if (shown.length > 0 || isAsked || live.state === "connecting") return;
      isAsked = true;
      void showSample(list, flow, live, () => drawn === "");
    },
  };
}

function fillFacts(
  facts: HTMLElement,
  ends: Pick<FlowView, "protocol" | "source" | "destination">,
  flow?: FlowView,
): void {
  const rows: (readonly [string, string])[] = [
    ["From", ends.source],
    ["To", ends.destination],
    ["Protocol", `${ends.protocol}${flow?.message === undefined ? "" : `, ${flow.message}`}`],
    ["State", flow?.state ?? "no longer in the table"],
  ];
  if (flow !== undefined) {
    rows.push(
      ["Rule", flow.rule ?? "none decided"],
      ["Messages sent by a plan", String(flow.planned)],
      [
        "Sent, received",
        `${octets(flow.bytesOut)} in ${flow.packetsOut}, ${octets(flow.bytesIn)} in ${flow.packetsIn} packets`,
      ],
      ["Hops to the server", flow.hops === undefined ? "not known" : String(flow.hops)],
      ["Idle", duration(flow.idleMs)],
    );
  }
  const before = [...facts.querySelectorAll("dd")];
  if (before.length === rows.length) {
    for (const [i, [, value]] of rows.entries()) {
      const cell = before[i];
      if (cell !== undefined) setText(cell, value);
    }
    return;
  }
  facts.replaceChildren(...rows.flatMap(([label, value]) => [el("dt", {}, label), el("dd", {}, value)]));
}

/** A message with its verdict, and the drawing of it. */
export function exchangeCard(exchange: ExchangeView, title = clock(exchange.timeMs)): HTMLElement {
  const { verdict, reason, rule, clause, sent } = exchange;
  return el(
    "article",
    { class: "exchange" },
    el(
      "header",
      {},
      el("span", { class: "quiet" }, title),
      el("span", { class: `verdict ${verdict.toLowerCase()}` }, verdict.toLowerCase()),
      el("span", {}, reasonWords(reason)),
      el("span", { class: "quiet" }, rule === undefined ? "no rule" : `rule ${rule}`),
      el("span", { class: "quiet" }, `${sent} ${sent === 1 ? "packet" : "packets"} left`),
    ),
    clause !== undefined && el("code", { class: "clause" }, clause),
    timeline(exchange),
  );
}

/** What the rule does with such a message, where the message itself passed before anybody looked. */
async function showSample(
  list: HTMLElement,
  flow: FlowView | undefined,
  { status }: Live,
  isWanted: () => boolean,
): Promise<void> {
  const none = el("p", { class: "quiet" }, "None of its messages passed while this dashboard was open.");
  const kind = flow?.message as SampleKind | undefined;
  if (flow?.rule === undefined || kind === undefined || status === undefined) {
    list.replaceChildren(none);
    return;
  }
  try {
    const { text } = await ask<ProfileView>("/api/profile");
    const sample = { text, kind, host: flow.host ?? "www.example.com", family: flow.source.startsWith("[") ? 6 : 4 };
    const answer = await ask<PreviewAnswer>("/api/preview", sample);
    if (!isWanted()) return;
    const words = "None of its messages passed while this dashboard was open. On a sample, the rules do this:";
    list.replaceChildren(
      answer.ok ? el("div", {}, el("p", { class: "quiet" }, words), exchangeCard(answer.exchange, "sample")) : none,
    );
  } catch {
    list.replaceChildren(none);
  }
}
