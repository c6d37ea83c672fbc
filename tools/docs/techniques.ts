// Writes docs/techniques.md from the list of proofs and the golden pages: `bun tools/docs/techniques.ts`.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isOver, LAWS, STREAM_ONLY, TECHNIQUES, type Law, type TechniqueEntry } from "./technique-list.ts";

const ROOT = dirname(dirname(import.meta.dirname));
export const DOCUMENT_PATH = join(ROOT, "docs/techniques.md");

const HEAD = "| technique | kinds | endpoint, IPv4 | endpoint, IPv6 | retransmission | Linux TCP | Linux UDP |";

/** The text of docs/techniques.md. @throws Error when a technique has no golden page */
export function techniquesDocument(): string {
  return `${parts().join("\n\n")}\n`;
}

function parts(): string[] {
  const notes: string[] = [];
  const rows = TECHNIQUES.map((entry) => row(entry, notes));
  return [
    "# Techniques",
    "Made by `bun tools/docs/techniques.ts` from the golden pages and the list of what is proven; do not edit.",
    ["What the columns mean:", ...columns()].join("\n"),
    [HEAD, "|---|---|---|---|---|---|---|", ...rows].join("\n"),
    notes.map((note, i) => `${i + 1}. ${note}`).join("\n"),
    "## What each does",
    TECHNIQUES.map(about).join("\n"),
    "## Not at packet level",
    "These change how many octets a stream has. Packets alone cannot do that: every later number of the connection " +
      "would be wrong. They need stream egress, sockets of bunnel's that carry the octets on, and a rule for packets " +
      "that names one is refused.",
    STREAM_ONLY.map(([word, does]) => `- **${word}** ${does}.`).join("\n"),
  ];
}

function columns(): string[] {
  return [
    "- *endpoint*: a receiver that holds to the RFCs reads exactly the octets that were sent, for any message, any",
    "  numbers of the technique, and any six techniques together (properties in `test/engine`, both builds).",
    "- *retransmission*: the same over a network that loses, doubles and reorders packets, with the message sent again",
    "  whole or in any part.",
    "- *Linux TCP*: the same on the TCP of the Linux kernel behind a TUN device, IPv4 and IPv6, with and without",
    "  losses (`test/receiver`).",
    "- *Linux UDP*: a socket of the kernel gets the datagram that was sent, once, or what the technique says that it",
    "  makes of it; IPv4 and IPv6 (`test/receiver`). –: not for this transport.",
    "- ✓ with a number: what it changes on purpose has a law of its own, which stands below with the test that holds",
    "  it to that.",
    "- All of them work at packet level and need nothing of the stream; cases with every octet that leaves stand in",
    "  `test/golden`.",
  ];
}

function row(entry: TechniqueEntry, notes: string[]): string {
  const cell = (law: Law): string => {
    if ((law === "linux" && !isOver("tcp", entry)) || (law === "udp" && !isOver("udp", entry))) return "–";
    const own = entry.own?.[law];
    if (own === undefined) return "✓";
    const note = `${entry.word}: ${own.says} ([${basename(own.file)}](../${own.file})).`;
    if (!notes.includes(note)) notes.push(note);
    return `✓ [${notes.indexOf(note) + 1}]`;
  };
  const [endpoint = "", retransmission = "", linux = "", udp = ""] = LAWS.map(cell);
  const kinds = entry.kinds.join(" ");
  const link = `[${entry.word}](../test/golden/${entry.word}.md)`;
  return `| ${[link, kinds, endpoint, endpoint, retransmission, linux, udp].join(" | ")} |`;
}

function about({ word, caution }: TechniqueEntry): string {
  return `- **${word}** ${summaryOf(word)}${caution === undefined ? "" : ` *Mind:* ${caution}`}`;
}

/** The first paragraph of a golden page, in one line. */
function summaryOf(word: string): string {
  const page = readFileSync(join(ROOT, "test/golden", `${word}.md`), "utf8");
  const [, paragraph] = /^# [^\n]+\n\n(.+?)\n\n/su.exec(page) ?? [];
  if (paragraph === undefined) throw new Error(`${word}.md: expected a paragraph behind its title, found none`);
  const [first = ""] = paragraph.replaceAll("\n", " ").split(/(?<=\.) (?=[A-Z`])/u);
  return first;
}

if (import.meta.main) writeFileSync(DOCUMENT_PATH, techniquesDocument());
