// The evasion table as one page that needs nothing beside it: no script, no font, no picture; light and dark.
import { type EvasionCell, type EvasionTable } from "@bunnel/lab";

const WORDS: Readonly<Record<EvasionCell, { readonly sign: string; readonly kind: string; readonly says: string }>> = {
  served: { sign: "✓", kind: "pass", says: "served: the page came whole" },
  blocked: { sign: "✗", kind: "stop", says: "blocked: the page never came" },
  reset: { sign: "↯", kind: "stop", says: "reset: the box ended the connection" },
  forged: { sign: "⚠", kind: "stop", says: "forged: the box answered in the server's place" },
  broken: { sign: "?", kind: "broken", says: "broken: no box is to blame" },
  "-": { sign: "", kind: "none", says: "the strategy says nothing about such messages" },
};

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #59636e; --page: #ffffff; --line: #d1d9e0; --head: #f6f8fa;
  --pass: #1a7f37; --pass-page: #dafbe1; --stop: #a40e26; --stop-page: #ffebe9; --broken: #7d4e00;
  --broken-page: #fff8c5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9198a1; --page: #0d1117; --line: #30363d;
  --head: #161b22; --pass: #56d364; --pass-page: #12261e; --stop: #ff8182; --stop-page: #2d1418; --broken: #e3b341;
  --broken-page: #272115; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem clamp(1rem, 3vw, 3rem); background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; } p { margin: 0 0 1rem; color: var(--dim); max-width: 75ch; }
.legend { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; padding: 0; margin: 0 0 1.25rem; list-style: none; }
.legend b { display: inline-block; width: 1.7em; text-align: center; border-radius: 4px; margin-right: .4em; }
.frame { overflow: auto; max-height: 85vh; border: 1px solid var(--line); border-radius: 8px; width: fit-content;
  max-width: 100%; }
table { border-collapse: separate; border-spacing: 0; font-size: 14px; }
th, td { border-bottom: 1px solid var(--line); border-right: 1px solid var(--line); padding: 0; }
tr:last-child > * { border-bottom: 0; } tr > :last-child { border-right: 0; }
thead th { position: sticky; top: 0; background: var(--head); vertical-align: bottom; z-index: 2; height: 10.5rem; }
thead th span { display: block; writing-mode: vertical-rl; transform: rotate(180deg); padding: .5rem .2rem;
  margin: 0 auto; font-weight: 600; white-space: nowrap; } thead th small { font-weight: 400; color: var(--dim); }
tbody th { position: sticky; left: 0; background: var(--head); text-align: left; font-weight: 500; z-index: 1;
  padding: .2rem .75rem; white-space: nowrap; } thead th:first-child { left: 0; z-index: 3; }
td { min-width: 2.1rem; text-align: center; font-weight: 600; }
.pass { background: var(--pass-page); color: var(--pass); } .stop { background: var(--stop-page); color: var(--stop); }
.broken { background: var(--broken-page); color: var(--broken); }
tbody tr:hover th { text-decoration: underline; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 0 0 2rem; }
dt { font-weight: 600; } dd { margin: 0; color: var(--dim); overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .75rem; font-size: 1.2rem; } code { font: 13px ui-monospace, monospace; }
`;

export function htmlPage(table: EvasionTable): string {
  const { columns, rows, nat, family } = table;
  const head = columns.map(({ name, id, says }) => {
    const number = id === undefined ? "" : ` <small>${escaped(id)}</small>`;
    return `<th scope="col" title="${escaped(says)}"><span>${escaped(name)}${number}</span></th>`;
  });
  const body = rows.map(({ name, strategy, cells }) => {
    const signs = cells.map((cell, index) => cellOf(cell, name, columns[index]?.name ?? ""));
    const title = `<th scope="row" title="${escaped(strategy ?? "no strategy")}">${escaped(name)}</th>`;
    return `<tr>${title}${signs.join("")}</tr>`;
  });
  const boxes = columns.map(({ name, id, says }) => term(id === undefined ? name : `${id} ${name}`, says));
  const strategies = rows.map(({ name, strategy }) => term(name, strategy ?? "every packet as it is", true));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Techniques and boxes</title><style>${STYLE}</style></head><body>
<h1>Which technique passes which box</h1>
<p>Simulated over IPv${family}, home router: ${nat}. Each box watches the exchange in which it shows what it does.
Point at a name to see the strategy or the hypothesis.</p>
${legend()}
<div class="frame"><table><thead><tr><th></th>${head.join("")}</tr></thead>
<tbody>
${body.join("\n")}
</tbody></table></div>
<h2>Boxes</h2><dl>${boxes.join("")}</dl>
<h2>Strategies</h2><dl>${strategies.join("")}</dl>
</body></html>
`;
}

function cellOf(cell: EvasionCell, strategy: string, box: string): string {
  const { sign, kind, says } = WORDS[cell];
  return `<td class="${kind}" title="${escaped(`${strategy} · ${box}: ${says}`)}">${sign}</td>`;
}

function legend(): string {
  const items = Object.values(WORDS)
    .filter(({ sign }) => sign !== "")
    .map(({ sign, kind, says }) => `<li><b class="${kind}">${sign}</b>${escaped(says)}</li>`);
  return `<ul class="legend">${items.join("")}</ul>`;
}

function term(name: string, says: string, isCode = false): string {
  return `<dt>${escaped(name)}</dt><dd>${isCode ? `<code>${escaped(says)}</code>` : escaped(says)}</dd>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
