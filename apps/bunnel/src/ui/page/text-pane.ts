// A text that can be written, with line numbers, and marks where something is wrong: the marks lie under the text, in a
// copy of it that nobody sees otherwise.
import type { ProblemView } from "../contract.ts";
import { el } from "./dom.ts";

/** The end of a wrong thing is not known: what is marked ends where words usually end. */
const THING = /^(?:"(?:[^"\\\n]|\\.)*"?|[\w.-]+|.)/u;

export class TextPane {
  readonly element: HTMLElement;
  readonly #area: HTMLTextAreaElement;
  readonly #numbers = el("div", { class: "numbers", "aria-hidden": "true" });
  readonly #under = el("pre", { class: "under", "aria-hidden": "true" });
  #problems: readonly ProblemView[] = [];

  constructor(id: string, changed: () => void) {
    const attributes = { id, spellcheck: "false", autocomplete: "off", autocapitalize: "off", wrap: "off", rows: "22" };
    this.#area = el("textarea", attributes);
    this.#area.addEventListener("input", () => {
      this.mark([]);
      changed();
    });
    this.#area.addEventListener("scroll", () => this.#follow());
    const stack = el("div", { class: "stack" }, this.#under, this.#area);
    this.element = el("div", { class: "pane" }, this.#numbers, stack);
  }

  get text(): string {
    return this.#area.value;
  }

  set text(text: string) {
    this.#area.value = text;
    this.mark([]);
  }

  /** Marks each problem at its place. */
  mark(problems: readonly ProblemView[]): void {
    this.#problems = problems;
    const wrong = new Set(problems.map(({ line }) => line));
    const lines = this.text.split("\n");
    const numbers = lines.map((_, i) => el("span", { class: wrong.has(i + 1) ? "wrong" : false }, String(i + 1)));
    this.#numbers.replaceChildren(...numbers);
    this.#under.replaceChildren(...lines.flatMap((line, i) => [...this.#marked(line, i + 1), "\n"]));
    this.#area.setAttribute("aria-invalid", String(problems.length > 0));
    this.#follow();
  }

  /** Puts the cursor where the problem is. */
  goTo({ line = 1, column = 1 }: ProblemView): void {
    const lines = this.text.split("\n");
    const at = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
    const [thing = ""] = THING.exec((lines[line - 1] ?? "").slice(column - 1)) ?? [];
    this.#area.focus();
    this.#area.setSelectionRange(at, at + thing.length);
    const height = this.#area.scrollHeight / Math.max(1, lines.length);
    this.#area.scrollTop = Math.max(0, (line - 5) * height);
  }

  #marked(line: string, number: number): (string | Node)[] {
    const parts: (string | Node)[] = [];
    let done = 0;
    for (const { column = 1, line: at } of this.#problems) {
      if (at !== number || column - 1 < done) continue;
      const [thing = " "] = THING.exec(line.slice(column - 1)) ?? [];
      parts.push(line.slice(done, column - 1), el("mark", {}, thing));
      done = column - 1 + thing.length;
    }
    return [...parts, line.slice(done)];
  }

  #follow(): void {
    this.#under.scrollTop = this.#area.scrollTop;
    this.#under.scrollLeft = this.#area.scrollLeft;
    this.#numbers.scrollTop = this.#area.scrollTop;
  }
}
