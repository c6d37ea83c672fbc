// Changes to the head of an HTTP request: each technique names the octets that it takes out and puts in.
import type { HttpTrickWord, Operation } from "@bunnel/profile";
import type { StreamMessage } from "../message/first-message.ts";
import type { Edit } from "./edits.ts";

const COLON = 58;
const SPACE = 32;
const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;
const PAD_LINE_MAX_BYTES = 1024;
const encoder = new TextEncoder();

/** The edits of one operation; none for what changes nothing in a head. */
export function httpEdits(octets: Uint8Array, message: StreamMessage, operation: Operation): readonly Edit[] {
  const { technique } = operation;
  if (technique === "httphost") return operation.tricks.flatMap((trick) => trickEdits(octets, message, trick));
  if (technique === "methodeol") return [insertion(0, "\r\n")];
  if (technique === "methodspace") return [insertion(octets.indexOf(SPACE), " ")];
  const { hostOffset, hostBytes, bytes } = message;
  if (hostOffset === 0) return [];
  if (technique === "hostpad") return [insertion(lineStart(octets, hostOffset), padding(operation.bytes))];
  if (technique === "hostdot") return [insertion(hostOffset + hostBytes, ".")];
  if (technique === "hosttab") return [insertion(lineEnd(octets.subarray(0, bytes), hostOffset), "\t")];
  return [];
}

function trickEdits(octets: Uint8Array, message: StreamMessage, trick: HttpTrickWord): readonly Edit[] {
  const { host, hostOffset, hostBytes, bytes } = message;
  if (trick === "unixeol") return carriageReturns(octets.subarray(0, bytes));
  if (host === undefined || hostOffset === 0) return [];
  const start = lineStart(octets, hostOffset);
  switch (trick) {
    case "case":
      return [replacement(start, 4, "host")];
    case "mixed":
      return [replacement(start, 4, "hoSt")];
    case "nospace": {
      const colon = octets.indexOf(COLON, start);
      return [{ at: colon + 1, remove: hostOffset - colon - 1, insert: new Uint8Array(0) }];
    }
    case "domcase":
      return [replacement(hostOffset, hostBytes, alternate(host))];
  }
}

/** `eXaMpLe`: every second letter a capital. */
function alternate(host: string): string {
  return host.replace(/./g, (letter, index: number) => (index % 2 === 0 ? letter.toLowerCase() : letter.toUpperCase()));
}

function carriageReturns(head: Uint8Array): readonly Edit[] {
  const edits: Edit[] = [];
  for (let at = head.indexOf(CARRIAGE_RETURN); at >= 0; at = head.indexOf(CARRIAGE_RETURN, at + 1)) {
    if (head[at + 1] === LINE_FEED) edits.push({ at, remove: 1, insert: new Uint8Array(0) });
  }
  return edits;
}

/** Header lines of so many octets together, none longer than servers take. */
function padding(bytes: number): string {
  const frame = "X-Pad: \r\n".length;
  const lines: string[] = [];
  for (let left = bytes; left > 0;) {
    // What is left for the next line must be long enough to be one.
    const line = left <= PAD_LINE_MAX_BYTES ? left : Math.min(PAD_LINE_MAX_BYTES, left - frame - 1);
    lines.push(`X-Pad: ${"a".repeat(line - frame)}\r\n`);
    left -= line;
  }
  return lines.join("");
}

function lineStart(octets: Uint8Array, at: number): number {
  return octets.lastIndexOf(LINE_FEED, at) + 1;
}

/** Before the line's end. */
function lineEnd(octets: Uint8Array, at: number): number {
  const end = octets.indexOf(LINE_FEED, at);
  return octets[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
}

function insertion(at: number, text: string): Edit {
  return { at, remove: 0, insert: encoder.encode(text) };
}

function replacement(at: number, remove: number, text: string): Edit {
  return { at, remove, insert: encoder.encode(text) };
}
