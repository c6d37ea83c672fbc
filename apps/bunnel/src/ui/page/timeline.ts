// One message and what left in its place, drawn: the message on top with the place of its name, below it each packet in
// the order in which it left, where its octets lie. The words beside each bar say the same.
import type { ExchangeView, StepView } from "../contract.ts";
import { el, setVariable } from "./dom.ts";

const KINDS: Readonly<Record<StepView["kind"], string>> = {
  whole: "whole",
  piece: "piece",
  overlap: "piece with foreign octets before it",
  changed: "changed",
  decoy: "decoy",
  forged: "forged",
  fragment: "fragment",
};
/** How far outside the message something is still drawn at its place: a part of the message's length. */
const MARGIN = 0.2;

interface Scale {
  readonly low: number;
  readonly high: number;
}

/** The drawing of an exchange. */
export function timeline(exchange: ExchangeView): HTMLElement {
  const { steps, bytes } = exchange;
  const scale = scaleOf(steps, bytes);
  const rows = steps.map((step, index) => stepRow(step, index, scale, bytes));
  return el(
    "div",
    { class: "timeline" },
    messageRow(exchange, scale),
    steps.length === 0
      ? el("p", { class: "quiet" }, untouched(exchange))
      : el("ol", { class: "steps", "aria-label": "Packets in the order in which they left" }, ...rows),
    legend(steps),
  );
}

function untouched({ verdict, sent }: ExchangeView): string {
  if (verdict === "Drop") return "It went nowhere.";
  if (verdict === "Hold") return "It waits until its message is whole.";
  return sent === 1 ? "It left as it came." : `It left as it came, in ${sent} packets.`;
}

function scaleOf(steps: readonly StepView[], bytes: number): Scale {
  const margin = Math.max(1, bytes * MARGIN);
  const ends = steps.filter(({ kind }) => kind !== "fragment");
  const low = Math.min(0, ...ends.map(({ from }) => Math.max(from, -margin)));
  const high = Math.max(bytes, 1, ...ends.map(({ to }) => Math.min(to, bytes + margin)));
  return { low, high };
}

function place(bar: HTMLElement, from: number, to: number, { low, high }: Scale): void {
  const part = (octet: number): number => ((Math.min(Math.max(octet, low), high) - low) / (high - low)) * 100;
  setVariable(bar, "--from", `${part(from)}%`);
  setVariable(bar, "--width", `${Math.max(part(to) - part(from), 0.6)}%`);
}

function messageRow({ bytes, host, hostAt, message }: ExchangeView, scale: Scale): HTMLElement {
  const bar = el("span", { class: "bar message" });
  place(bar, 0, bytes, scale);
  const name = el("span", { class: "bar name" });
  if (hostAt !== undefined) place(name, hostAt.from, hostAt.to, scale);
  const where = hostAt === undefined ? "" : `, its name at octets ${hostAt.from} to ${hostAt.to}`;
  const what = `${message ?? "packet"}${host === undefined ? "" : ` for ${host}`}: ${bytes} octets${where}`;
  return el(
    "div",
    { class: "step" },
    el("span", { class: "words" }, el("b", {}, "came up "), what),
    el("span", { class: "track", "aria-hidden": "true" }, bar, hostAt !== undefined && name),
  );
}

function stepRow(step: StepView, index: number, scale: Scale, bytes: number): HTMLElement {
  const { kind, from, to, overlapBytes, marks, delayMs, techniques } = step;
  const isOutside = kind !== "fragment" && (to <= scale.low || from >= scale.high);
  const bar = el("span", { class: `bar ${kind}${isOutside ? " outside" : ""}` });
  // Fragments count behind the IP header: eight octets of UDP, twenty and more of TCP stand before the message.
  if (kind === "fragment") place(bar, Math.max(from - 8, 0), to - 8, scale);
  else if (isOutside) place(bar, scale.low, scale.low + (scale.high - scale.low) * 0.02, scale);
  else place(bar, from, to, scale);
  const foreign = el("span", { class: "bar foreign" });
  if (overlapBytes > 0) place(foreign, from, from + overlapBytes, scale);
  const octets =
    to > from ? ` octets ${from} to ${to}${kind === "fragment" ? " behind the IP header" : ` of ${bytes}`}` : "";
  return el(
    "li",
    { class: "step" },
    el(
      "span",
      { class: "words" },
      el("span", { class: "number", "aria-hidden": "true" }, String(index + 1)),
      el("b", {}, KINDS[kind]),
      octets,
      ...marks.map((mark) => el("span", { class: "mark" }, mark)),
      delayMs > 0 && el("span", { class: "mark" }, `+${delayMs} ms`),
      techniques.length > 0 && el("span", { class: "quiet" }, `by ${techniques.join(", ")}`),
    ),
    el("span", { class: "track", "aria-hidden": "true" }, bar, overlapBytes > 0 && foreign),
  );
}

function legend(steps: readonly StepView[]): HTMLElement | undefined {
  const kinds = [...new Set(steps.map(({ kind }) => kind))];
  if (kinds.length === 0) return undefined;
  const items = kinds.map((kind) => el("li", {}, el("span", { class: `swatch ${kind}` }), KINDS[kind]));
  const name = el("li", {}, el("span", { class: "swatch name" }), "host name");
  return el("ul", { class: "legend", "aria-hidden": "true" }, ...items, name);
}
