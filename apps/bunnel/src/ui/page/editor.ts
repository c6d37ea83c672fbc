// The profile as text, checked while it is written, and what it would do shown on a sample.
import type { ApplyAnswer, CheckAnswer, PreviewAnswer, ProblemView, ProfileView } from "../contract.ts";
import { el, setText } from "./dom.ts";
import { exchangeCard } from "./flow-detail.ts";
import { ask } from "./session.ts";
import { TextPane } from "./text-pane.ts";
import type { View } from "./view.ts";

/** A text is looked at when nobody has written for so long. */
const PAUSE_MS = 250;
const SAMPLES = [
  ["tls", "TLS hello"],
  ["tls-pq", "TLS hello of a browser, post-quantum"],
  ["http", "HTTP request"],
  ["quic", "QUIC Initial"],
  ["dns", "DNS query"],
  ["syn", "SYN"],
] as const;

export function editorView(): View {
  const editor = new Editor();
  void editor.load();
  return { element: editor.element, update: () => undefined, dispose: () => editor.dispose() };
}

class Editor {
  readonly #pane = new TextPane("profile-text", () => this.#changed());
  readonly #source = el("p", { class: "quiet" });
  readonly #said = el("p", { class: "said", role: "status" });
  readonly #problems = el("ul", { class: "problems", "aria-label": "Problems" });
  readonly #apply = el(
    "button",
    { type: "button", class: "main", disabled: true, onclick: () => void this.apply() },
    "Write and reload",
  );
  readonly #host = el("input", {
    id: "sample-host",
    autocomplete: "off",
    spellcheck: "false",
    value: "www.example.com",
  });
  readonly #kind = el(
    "select",
    { id: "sample-kind" },
    ...SAMPLES.map(([value, text]) => el("option", { value }, text)),
  );
  readonly #family = el(
    "select",
    { id: "sample-family" },
    el("option", { value: "4" }, "IPv4"),
    el("option", { value: "6" }, "IPv6"),
  );
  readonly #preview = el("div", { class: "preview", role: "region", "aria-label": "Preview" });
  readonly element: HTMLElement;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #profile: ProfileView | undefined;

  constructor() {
    const keep = el("button", { type: "button", onclick: () => this.#download() }, "Save a copy");
    const again = el("button", { type: "button", onclick: () => void this.load() }, "Read again");
    for (const input of [this.#host, this.#kind, this.#family]) input.addEventListener("input", () => this.#changed());
    const sample = el(
      "div",
      { class: "tools" },
      el("label", { for: "sample-kind" }, "Sample"),
      this.#kind,
      el("label", { for: "sample-host" }, "for"),
      this.#host,
      el("label", { for: "sample-family", class: "hidden" }, "Family"),
      this.#family,
    );
    this.element = el(
      "section",
      {},
      el("h1", {}, "Rules"),
      this.#source,
      el("div", { class: "tools" }, this.#apply, again, keep, this.#said),
      el("label", { class: "hidden", for: "profile-text" }, "Profile"),
      this.#pane.element,
      this.#problems,
      el("section", { class: "card" }, el("h2", {}, "What it would do"), sample, this.#preview),
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (!this.#apply.disabled) void this.apply();
    });
  }

  async load(): Promise<void> {
    try {
      this.#profile = await ask<ProfileView>("/api/profile");
    } catch (error) {
      this.#say(wordsOf(error), "bad");
      return;
    }
    const { path, source, readOnly, text } = this.#profile;
    setText(this.#source, readOnly === undefined ? `${path}` : `${source}: ${readOnly}.`);
    this.#pane.text = text;
    this.#changed();
  }

  async apply(): Promise<void> {
    this.#say("writing", "");
    try {
      const answer = await ask<ApplyAnswer>("/api/apply", { text: this.#pane.text });
      this.#show(answer.ok ? [] : answer.problems);
      this.#say(answer.ok ? answer.text : "not written", answer.ok ? "good" : "bad");
    } catch (error) {
      this.#say(wordsOf(error), "bad");
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), PAUSE_MS);
  }

  async #look(): Promise<void> {
    const { text } = this.#pane;
    try {
      const checked = await ask<CheckAnswer>("/api/check", { text });
      // Somebody wrote on meanwhile.
      if (text !== this.#pane.text) return;
      this.#show(checked.ok ? [] : checked.problems);
      const rules = checked.ok ? checked.rules.length : 0;
      const isWritable = this.#profile?.readOnly === undefined;
      this.#apply.disabled = !checked.ok || !isWritable;
      if (checked.ok) this.#say(`right: ${rules} ${rules === 1 ? "rule" : "rules"}`, "good");
      else this.#say(`${checked.problems.length} ${checked.problems.length === 1 ? "problem" : "problems"}`, "bad");
      if (checked.ok) await this.#showSample(text);
    } catch (error) {
      this.#say(wordsOf(error), "bad");
    }
  }

  async #showSample(text: string): Promise<void> {
    const [kind, host, family] = [this.#kind.value, this.#host.value.trim(), Number(this.#family.value)];
    const answer = await ask<PreviewAnswer>("/api/preview", { text, kind, host, family }).catch(
      (error: unknown) => error,
    );
    if (answer instanceof Error) this.#preview.replaceChildren(el("p", { class: "bad" }, `${host}: no host name`));
    else if ((answer as PreviewAnswer).ok) {
      const { exchange } = answer as Extract<PreviewAnswer, { ok: true }>;
      this.#preview.replaceChildren(exchangeCard(exchange, exchange.host ?? "sample"));
    }
  }

  #show(problems: readonly ProblemView[]): void {
    this.#pane.mark(problems);
    this.#problems.replaceChildren(
      ...problems.map((problem) => {
        const { line, column, message } = problem;
        const place = line === undefined ? "" : `line ${line}${column === undefined ? "" : `, column ${column}`}`;
        const go = el("button", { type: "button", onclick: () => this.#pane.goTo(problem) }, place);
        return el("li", {}, place !== "" && go, message);
      }),
    );
  }

  #say(text: string, kind: "good" | "bad" | ""): void {
    setText(this.#said, text);
    this.#said.className = `said ${kind}`;
  }

  #download(): void {
    const url = URL.createObjectURL(new Blob([this.#pane.text], { type: "application/toml" }));
    el("a", { href: url, download: "bunnel.toml" }).click();
    URL.revokeObjectURL(url);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
