// A picture of what went over the wire, as SVG that reads on light and on dark ground.
import type { Segment } from "./segments.ts";

const WIDTH = 760;
const CLIENT_X = 60;
const BOX_X = 420;
const SERVER_X = 700;
const TOP = 70;
const ROW = 46;
/** Where an arrow ends whose packet does not arrive. */
const LOST_X = 570;

const STYLE = `
  .ground { fill: #ffffff } .ink { fill: #1f2430 } .soft { fill: #5b6270 }
  .line { stroke: #9aa1ad; stroke-width: 1 } .sent { stroke: #1d5fbf; stroke-width: 2 } .sent-tip { fill: #1d5fbf }
  .fake { stroke: #b3470f; stroke-width: 2; stroke-dasharray: 6 4 }
  .fake-tip { fill: #b3470f } .fake-ink { fill: #b3470f }
  text { font: 13px system-ui, sans-serif } .title { font-weight: 600 } .small { font-size: 12px }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #171a21 } .ink { fill: #e8eaf0 } .soft { fill: #a7aebb } .line { stroke: #596070 }
    .sent { stroke: #7db2ff } .sent-tip { fill: #7db2ff }
    .fake { stroke: #ffa36b } .fake-tip { fill: #ffa36b } .fake-ink { fill: #ffa36b }
  }`;

/** The picture of one connection's first message under a strategy. */
export function drawPicture(strategy: string, segments: readonly Segment[]): string {
  const height = TOP + ROW * segments.length + 30;
  const described = `${segments.length} packets with strategy ${strategy}: ${segments.map(sentence).join("; ")}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escaped(described)}</title><style>${STYLE}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="8"/>`,
    `<text class="ink title" x="20" y="24">${escaped(strategy)}</text>`,
    ...[["client", CLIENT_X] as const, ["box", BOX_X] as const, ["server", SERVER_X] as const].map(
      ([name, x]) =>
        `<text class="soft small" x="${x}" y="50" text-anchor="middle">${name}</text>` +
        `<line class="line" x1="${x}" x2="${x}" y1="58" y2="${height - 16}"/>`,
    ),
    ...segments.map((segment, row) => drawRow(segment, TOP + ROW * row + 26)),
    "</svg>\n",
  ].join("\n");
}

function drawRow({ what, name, fooling, arrives }: Segment, y: number): string {
  const kind = fooling === undefined ? "sent" : "fake";
  const end = arrives ? SERVER_X : LOST_X;
  const reads = name === undefined ? "" : ` · reads “${name}”`;
  const ink = fooling === undefined ? "ink" : "fake-ink";
  const tip = arrives
    ? `<path class="${kind}-tip" d="M ${end} ${y} l -9 -5 v 10 z"/>`
    : `<path class="${kind}" fill="none" stroke-dasharray="none" d="M ${end - 6} ${y - 6} l 12 12 m 0 -12 l -12 12"/>`;
  const why =
    fooling === undefined
      ? ""
      : `<text class="fake-ink small" x="${BOX_X + 8}" y="${y - 7}">${escaped(fooling)}</text>`;
  return (
    `<line class="${kind}" x1="${CLIENT_X}" x2="${end}" y1="${y}" y2="${y}"/>${tip}` +
    `<text class="${ink} small" x="${CLIENT_X + 8}" y="${y - 7}">${escaped(what + reads)}</text>${why}`
  );
}

function sentence({ what, name, fooling, arrives }: Segment): string {
  const parts = [
    what,
    name === undefined ? "" : `reads ${name}`,
    fooling ?? "",
    arrives ? "arrives" : "does not arrive",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function escaped(text: string): string {
  return Bun.escapeHTML(text);
}
