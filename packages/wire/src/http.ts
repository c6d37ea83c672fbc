// HTTP/1 requests (RFC 9112 section 3) and where the Host header's value lies. The engine reads by the same rules.
import { HOST_MAX_BYTES, HTTP_SEARCH_MAX_BYTES } from "@bunnel/abi";
import { WireError } from "./errors.ts";
import { latin1Of, octetsOf } from "./octets.ts";

/** The methods that a request is known by (RFC 9110 section 9.3, RFC 5789). */
export const HTTP_METHODS: readonly string[] = [
  "GET",
  "POST",
  "HEAD",
  "PUT",
  "DELETE",
  "OPTIONS",
  "PATCH",
  "CONNECT",
  "TRACE",
];

/** What a request is built from. */
export interface HttpRequestFields {
  /** Default GET. */
  readonly method?: string;
  /** Default `/`. */
  readonly path?: string;
  /** Default: no Host header. */
  readonly host?: string;
  /** Name and value of each, behind Host. */
  readonly headers?: readonly (readonly [string, string])[];
}

/**
 * The head of a request, with the empty line that ends it.
 * @throws WireError E_WIRE_FIELD when a part has a line break or a character above U+00FF
 */
export function httpRequest(fields: HttpRequestFields = {}): Uint8Array {
  const headers = [...(fields.host === undefined ? [] : [["Host", fields.host] as const]), ...(fields.headers ?? [])];
  const lines = [
    `${fields.method ?? "GET"} ${fields.path ?? "/"} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  const broken = lines.find((line) => /[\r\n]/.test(line));
  if (broken !== undefined) {
    throw new WireError(
      "E_WIRE_FIELD",
      `line of an HTTP request must have no line break, found ${JSON.stringify(broken)}`,
    );
  }
  return octetsOf(`${lines.join("\r\n")}\r\n\r\n`);
}

/** What was found in a request's head. */
export interface ReadRequest {
  readonly method: string;
  /** Without port, one character per octet. Undefined: none in this packet, cut short, empty, or an IPv6 literal. */
  readonly host?: string;
  /** From the start of the payload; 0 where there is no host. */
  readonly hostOffset: number;
  readonly hostBytes: number;
}

/** Undefined: the payload does not start as a request does. */
export function readHttpRequest(payload: Uint8Array): ReadRequest | undefined {
  const method = HTTP_METHODS.find((name) => startsWithMethod(payload, name));
  if (method === undefined) return undefined;
  const text = latin1Of(payload.subarray(0, HTTP_SEARCH_MAX_BYTES));
  const host = findHost(text);
  if (!host) return { method, hostOffset: 0, hostBytes: 0 };
  return { method, host: host.text, hostOffset: host.at, hostBytes: host.text.length };
}

const SPACE = 0x20;

/** Whether a method and a space stand at the start: asked of every payload, so no text is made for it. */
function startsWithMethod(payload: Uint8Array, method: string): boolean {
  if (payload[method.length] !== SPACE) return false;
  for (let at = 0; at < method.length; at += 1) if (payload[at] !== method.charCodeAt(at)) return false;
  return true;
}

/** The first Host line of the head decides; its value must end within the octets that are searched. */
function findHost(text: string): { readonly at: number; readonly text: string } | undefined {
  // A line that begins with CR or LF is empty: the head ends there.
  const empty = /\n[\r\n]/.exec(text);
  const head = empty ? text.slice(0, empty.index + 1) : text;
  const match = /\n(host:[ \t]*)([^\r\n]*)[\r\n]/i.exec(head);
  if (!match) return undefined;
  const at = match.index + 1 + (match[1] ?? "").length;
  const value = match[2] ?? "";
  if (value.startsWith("[")) return undefined;
  const host = value.replace(/:.*$/, "").replace(/[ \t]+$/, "");
  return host.length >= 1 && host.length <= HOST_MAX_BYTES ? { at, text: host } : undefined;
}
