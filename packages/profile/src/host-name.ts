// Host names as rules and decoys carry them: lower case, ASCII, no dot at the end (RFC 1035 section 2.3.1, RFC 5891).
import { domainToASCII } from "node:url";
import { HOST_MAX_BYTES } from "@bunnel/abi";
import { Fault } from "./errors.ts";
import { shown } from "./wording.ts";

/** Octets between two dots (RFC 1035 section 2.3.4). */
const LABEL_MAX_BYTES = 63;

/** What may stand before a name in a list: `=` the name alone, `all:` everything below a public suffix. */
export type HostSign = "" | "=" | "all:";

/** An entry of a list of hosts, taken apart. */
export function hostEntryParts(entry: string): { readonly sign: HostSign; readonly text: string } {
  if (entry.startsWith("=")) return { sign: "=", text: entry.slice(1) };
  if (entry.startsWith("all:")) return { sign: "all:", text: entry.slice(4) };
  return { sign: "", text: entry };
}

/** Names that are in their one form already, as most of long lists are. A last label of digits is looked at below. */
const CANONICAL = /^(?:[a-z0-9_-]{1,63}\.)*[a-z_-][a-z0-9_-]{0,62}$/;

/**
 * The name in its one form, or why the text is no name. Names in other scripts become punycode. The underscore and
 * hyphens at a label's edge are let through: both occur in names that servers answer to.
 */
export function readHostName(text: string): string | Fault {
  if (text.length <= HOST_MAX_BYTES && CANONICAL.test(text)) return text;
  const misuse = misuseOf(text);
  if (misuse !== undefined) return refused(text, misuse);
  const ascii = isAscii(text) ? text.toLowerCase() : domainToASCII(text);
  const name = ascii.endsWith(".") ? ascii.slice(0, -1) : ascii;
  if (name === "") return refused(text);
  if (name.length > HOST_MAX_BYTES)
    return refused(text, `which has ${name.length} octets, at most ${HOST_MAX_BYTES} fit`);
  const labels = name.split(".");
  for (const label of labels) {
    if (label === "") return refused(text, "with nothing between two dots");
    if (label.length > LABEL_MAX_BYTES) {
      return refused(text, `with ${label.length} octets between two dots, at most ${LABEL_MAX_BYTES} fit`);
    }
    if (!/^[a-z0-9_-]+$/.test(label)) return refused(text);
  }
  // As in the URL standard, a last label of digits alone makes the whole an IPv4 address.
  if (/^\d+$/.test(labels.at(-1) ?? "")) return refused(text, "which is an address");
  return name;
}

/** A host name in the form that rules and the engine have it; undefined: it is none. */
export function canonicalHost(text: string): string | undefined {
  const name = readHostName(text);
  return name instanceof Fault ? undefined : name;
}

function refused(text: string, why?: string): Fault {
  return new Fault(`expected a host name, found ${shown(text)}${why === undefined ? "" : `, ${why}`}`);
}

/** The usual mistakes, each with what to write instead. */
function misuseOf(text: string): string | undefined {
  if (/^\*\.?./.test(text)) {
    return `but a name means itself and everything below it: write ${shown(text.replace(/^\*\.?/, ""))}`;
  }
  const url = /^[a-z]+:\/\/([^/:]+)/i.exec(text);
  if (url) return `which is a URL: write ${shown(url[1])}`;
  if (text.includes("/")) return "which has a path or a prefix";
  const port = /^([^:]+):(\d+)$/.exec(text);
  if (port) return `but ports stand in the rule's ports: write ${shown(port[1])}`;
  if (text.includes(":")) return "which is an address";
  return undefined;
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > 0x7f) return false;
  }
  return true;
}
