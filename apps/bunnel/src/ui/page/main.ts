// The page: a session, what is live, and one section at a time, named by the address behind #.
import { countersView, dnsView } from "./counters.ts";
import { el, setText } from "./dom.ts";
import { editorView } from "./editor.ts";
import { flowDetail } from "./flow-detail.ts";
import { flowsView } from "./flows.ts";
import { Live } from "./live.ts";
import { logView } from "./log.ts";
import { overview } from "./overview.ts";
import { probeView } from "./probe.ts";
import { hasSession, openSession } from "./session.ts";
import { followTheme } from "./theme.ts";
import type { View } from "./view.ts";

const SECTIONS: readonly (readonly [path: string, title: string, open: () => View])[] = [
  ["overview", "Overview", overview],
  ["flows", "Flows", flowsView],
  ["counters", "Counters", countersView],
  ["dns", "DNS", dnsView],
  ["probe", "Probe", probeView],
  ["rules", "Rules", editorView],
  ["log", "Log", logView],
];

const STATES: Readonly<Record<Live["state"], string>> = {
  connecting: "connecting",
  live: "live",
  down: "no service runs",
  lost: "the dashboard does not answer",
};

function needed(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`page: expected an element ${id}`);
  return found;
}

function route(): { readonly section: string; readonly argument: string } {
  const [, section = "", argument = ""] = /^#\/([a-z]+)(?:\/(.*))?$/u.exec(location.hash) ?? [];
  return { section, argument: decodeURIComponent(argument) };
}

function openView({ section, argument }: ReturnType<typeof route>): View {
  if (section === "flow" && argument !== "") return flowDetail(argument);
  const found = SECTIONS.find(([path]) => path === section) ?? SECTIONS[0];
  return (found?.[2] ?? overview)();
}

function navigation(): readonly HTMLAnchorElement[] {
  const links = SECTIONS.map(([path, title]) => el("a", { href: `#/${path}` }, title));
  needed("sections").append(...links);
  return links;
}

function mark(links: readonly HTMLAnchorElement[], section: string): void {
  const current = section === "flow" ? "flows" : section === "" ? "overview" : section;
  for (const link of links) {
    if (link.hash === `#/${current}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = SECTIONS.find(([path]) => path === current)?.[1] ?? "Overview";
  document.title = `${title} · bunnel`;
}

function showPage(): void {
  const content = needed("content");
  const state = needed("state");
  const links = navigation();
  let view: View | undefined;
  const live = new Live(() => {
    state.dataset["state"] = live.state;
    if (state.lastElementChild) setText(state.lastElementChild, STATES[live.state]);
    view?.update(live);
  });
  const show = (): void => {
    view?.dispose?.();
    const at = route();
    view = openView(at);
    content.replaceChildren(view.element);
    view.element.addEventListener("input", () => view?.update(live));
    view.update(live);
    mark(links, at.section);
  };
  addEventListener("hashchange", () => {
    show();
    content.focus();
    scrollTo(0, 0);
  });
  followTheme(needed("theme") as HTMLSelectElement, () => view?.repaint?.());
  show();
}

function showLocked(): void {
  followTheme(needed("theme") as HTMLSelectElement, () => undefined);
  setText(needed("state"), "locked");
  const words = "Open the address that bunnel ui printed: it holds the key to this page.";
  needed("content").replaceChildren(el("section", {}, el("h1", {}, "Locked"), el("p", { class: "notice" }, words)));
}

await openSession();
if (hasSession()) showPage();
else showLocked();
