// How hosts are blocked, and what helps: a form, what happens meanwhile, and the rules that were found.
import type { ProbeAnswer, ProbedHostView, ProbedStrategyView, ProbeView } from "../contract.ts";
import { el, keyed, setText } from "./dom.ts";
import { ask } from "./session.ts";
import type { View } from "./view.ts";

export function probeView(): View {
  const page = new ProbePage();
  return { element: page.element, update: ({ probe }) => probe !== undefined && page.show(probe) };
}

const HEADS = ["", "Kind", "Strategy", "Way", "Cost", "Host", "What came of it"];

class ProbePage {
  readonly #hosts = field("probe-hosts", "example.org www.example.com");
  readonly #known = field("probe-known", "example.org:192.0.2.7");
  readonly #harmless = field("probe-harmless", "example.com");
  readonly #start = el("button", { type: "submit", class: "main" }, "Start");
  readonly #stop = el("button", { type: "button", onclick: () => void this.#ask("/api/probe-stop", {}) }, "Stop");
  readonly #said = el("p", { class: "said", role: "status" });
  readonly #bar = el("progress", { "aria-label": "Strategies tried", class: "trying" });
  readonly #missing = el("ul", { class: "notice missing", "aria-label": "What is not tried" });
  readonly #command = el("code");
  readonly #asRoot = el(
    "p",
    { class: "notice" },
    "The dashboard gives root's rights up before it listens, so that nobody gets them by this page. ",
    "The same with nothing left out, in a terminal: ",
    this.#command,
  );
  readonly #seen = el("dl", { class: "facts" });
  readonly #trials = el("tbody");
  readonly #rules = el("pre", { tabindex: "0", "aria-label": "Recommended rules" });
  readonly #unsolved = el("ul", { "aria-label": "What nothing helps" });
  readonly #blocked: HTMLElement;
  readonly #tried: HTMLElement;
  readonly #recommended: HTMLElement;
  readonly element: HTMLElement;

  constructor() {
    this.#blocked = card("How they are blocked", this.#seen);
    const head = el("tr", {}, ...HEADS.map((text) => el("th", { scope: "col" }, ...headOf(text))));
    const table = el("table", { class: "trials" }, el("thead", {}, head), this.#trials);
    this.#tried = card("What was tried", table);
    const copy = el("button", { type: "button", onclick: () => void this.#copy() }, "Copy");
    const link = el("a", { href: "#/rules" }, "the profile");
    const where = el(
      "p",
      { class: "quiet" },
      "Rules for ",
      link,
      ". Put them before the rules that they are to go before.",
    );
    this.#recommended = card("Recommendation", this.#rules, el("div", { class: "tools" }, copy), where, this.#unsolved);
    const form = el("form", { class: "card", onsubmit: (event) => this.#submit(event) }, ...this.#fields());
    this.element = el(
      "section",
      { class: "probe" },
      el("h1", {}, "Probe"),
      el(
        "p",
        { class: "quiet" },
        "Finds out how hosts are blocked on this network, and the cheapest strategy that helps.",
      ),
      ...[form, this.#missing, this.#asRoot, this.#blocked, this.#recommended, this.#tried],
    );
  }

  show(probe: ProbeView): void {
    const { state, says, missing, command, seen, trials, trialsMax, rules, unsolved, seconds, connections } = probe;
    const isRunning = state === "running";
    this.#start.disabled = isRunning;
    this.#stop.disabled = !isRunning;
    const used = connections === 0 ? "" : ` · ${seconds} s, ${connections} connections`;
    if (state !== "idle") this.#say(`${says}${used}`, state === "failed" ? "bad" : state === "done" ? "good" : "");
    this.#bar.hidden = !isRunning;
    if (trialsMax > 0) {
      this.#bar.max = trialsMax;
      this.#bar.value = trials.length;
    } else this.#bar.removeAttribute("value");
    lines(this.#missing, missing);
    this.#asRoot.hidden = missing.length === 0;
    setText(this.#command, command);
    lines(
      this.#unsolved,
      unsolved.map((each) => `Nothing that was tried helps ${each}.`),
    );
    this.#blocked.hidden = seen.length === 0;
    this.#tried.hidden = trials.length === 0;
    this.#recommended.hidden = rules === "" && unsolved.length === 0;
    this.#rules.hidden = rules === "";
    setText(this.#rules, rules);
    keyed(this.#seen, seen, ({ host }) => host, hostRow, fillHost);
    const ordered = trials.map((trial, index) => ({ trial, index })).toSorted((a, b) => rank(a.trial) - rank(b.trial));
    keyed(
      this.#trials,
      ordered,
      ({ index }) => String(index),
      trialRow,
      () => undefined,
    );
  }

  #fields(): readonly HTMLElement[] {
    const more = el(
      "details",
      {},
      el("summary", {}, "More"),
      labelled("Known addresses", this.#known),
      labelled("A host that is not blocked, for controls", this.#harmless),
    );
    return [
      labelled("Hosts", this.#hosts),
      more,
      el("div", { class: "tools" }, this.#start, this.#stop, this.#said),
      this.#bar,
    ];
  }

  #submit(event: Event): void {
    event.preventDefault();
    const words = (input: HTMLInputElement): readonly string[] =>
      input.value.split(/\s+/u).filter((word) => word !== "");
    const hosts = words(this.#hosts);
    if (hosts.length === 0) {
      this.#say("which hosts?", "bad");
      this.#hosts.focus();
      return;
    }
    void this.#ask("/api/probe", { hosts, known: words(this.#known), harmless: this.#harmless.value.trim() });
  }

  async #ask(path: string, body: unknown): Promise<void> {
    try {
      const answer = await ask<ProbeAnswer>(path, body);
      if (!answer.ok) this.#say(answer.error, "bad");
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error), "bad");
    }
  }

  async #copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.#rules.textContent);
      this.#say("copied", "good");
    } catch {
      this.#say("this browser does not let pages copy: mark the text instead", "bad");
    }
  }

  #say(text: string, kind: "" | "good" | "bad"): void {
    setText(this.#said, text);
    this.#said.className = `said ${kind}`;
  }
}

function field(id: string, placeholder: string): HTMLInputElement {
  return el("input", { id, placeholder, autocomplete: "off", spellcheck: "false", autocapitalize: "none" });
}

function labelled(text: string, input: HTMLInputElement): HTMLElement {
  return el("div", { class: "field" }, el("label", { for: input.id }, text), input);
}

function card(title: string, ...children: readonly HTMLElement[]): HTMLElement {
  return el("section", { class: "card", hidden: true }, el("h2", {}, title), ...children);
}

/** A column whose cells say enough has a name for those who do not see it. */
function headOf(text: string): readonly (HTMLElement | string)[] {
  return text === "" ? [el("span", { class: "hidden" }, "Result")] : [text];
}

function lines(list: HTMLElement, texts: readonly string[]): void {
  list.hidden = texts.length === 0;
  keyed(
    list,
    texts,
    (text) => text,
    (text) => el("li", {}, text),
    () => undefined,
  );
}

/** What works stands first. */
function rank({ works }: ProbedStrategyView): number {
  return works ? 0 : 1;
}

function hostRow({ host, summary, findings }: ProbedHostView): HTMLElement {
  const details = findings.map((text) => el("li", {}, text));
  return el(
    "div",
    { class: "host" },
    el("dt", {}, host),
    el("dd", {}, el("b", {}, summary), el("ul", { class: "quiet" }, ...details)),
  );
}

function fillHost(): void {
  // What was found out about a host stays.
}

function trialRow({ trial }: { readonly trial: ProbedStrategyView }): HTMLElement {
  const { works, times, kind, name, egress, cost, host, how } = trial;
  return el(
    "tr",
    { class: works ? "works" : "fails" },
    el("td", {}, works ? `works ${times}×` : "fails"),
    el("td", {}, kind),
    el("th", { scope: "row" }, el("code", {}, name)),
    el("td", {}, egress),
    el("td", { class: "number" }, String(cost)),
    el("td", {}, host),
    el("td", {}, how),
  );
}
