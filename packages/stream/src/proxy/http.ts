// HTTP as a proxy speaks it: CONNECT (RFC 9110 section 9.3.6) and requests in absolute form (RFC 9112 section 3.2.2).
import { applyEdits, type Edit } from "../plan/edits.ts";
import type { ProxyTarget, ProxyUser } from "./socks5.ts";

const HTTP_PORT = 80;
const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** A request to a proxy; what a CONNECT asks for, or a request and the head that its server gets. */
export type ProxyRequest =
  | { readonly form: "connect"; readonly target: ProxyTarget }
  | { readonly form: "absolute"; readonly target: ProxyTarget; readonly head: Uint8Array }
  /** For the server that the connection goes to already. */
  | { readonly form: "origin" }
  | { readonly form: "broken" };

/** What the head of a request, up to its empty line, asks a proxy for. */
export function readProxyRequest(head: Uint8Array): ProxyRequest {
  const text = decoder.decode(head);
  const line = /^([A-Z]+) +(\S+) +HTTP\/1\.[01]\r?\n/.exec(text);
  const [all = "", method = "", where = ""] = line ?? [];
  if (line === null) return { form: "broken" };
  if (method === "CONNECT") {
    const target = targetOf(where);
    return target ? { form: "connect", target } : { form: "broken" };
  }
  if (where.startsWith("/") || where === "*") return { form: "origin" };
  const absolute = /^http:\/\/(?:[^/?#@]*@)?([^/?#]+)([^#]*)/i.exec(where);
  const target = targetOf(absolute?.[1] ?? "", HTTP_PORT);
  if (absolute === null || target === undefined) return { form: "broken" };
  const rest = absolute[2] ?? "";
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  const at = all.indexOf(where);
  const edits: readonly Edit[] = [
    { at, remove: where.length, insert: encoder.encode(path) },
    ...[...text.matchAll(/\nproxy-(?:connection|authorization)[ \t]*:[^\n]*(?=\n)/gi)].map(({ index, 0: found }) => ({
      at: index + 1,
      // The line feed behind it goes, the one before it stays.
      remove: found.length,
      insert: new Uint8Array(0),
    })),
  ];
  return { form: "absolute", target, head: applyEdits(head, edits).octets };
}

/** `example.org:443`, `[2001:db8::7]:443`. */
function targetOf(authority: string, port?: number): ProxyTarget | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]@/]+))(?::(\d{1,5}))?$/i.exec(authority);
  const host = match?.[1] ?? match?.[2];
  const found = match?.[3] === undefined ? port : Number(match[3]);
  if (host === undefined || found === undefined || found < 1 || found > 0xffff) return undefined;
  return { host, port: found };
}

/** Whether a head brings the name and password that are asked for (RFC 7617). */
export function isAuthorised(head: Uint8Array, user: ProxyUser | undefined): boolean {
  if (user === undefined) return true;
  const found = /\nproxy-authorization[ \t]*:[ \t]*basic[ \t]+([\w+/=]+)[ \t]*\r?\n/i.exec(decoder.decode(head))?.[1];
  return found === encoder.encode(`${user.name}:${user.password}`).toBase64();
}

/** The answer to a CONNECT that succeeded. */
export const CONNECTED: Uint8Array = encoder.encode("HTTP/1.1 200 Connection established\r\n\r\n");

const REASONS = {
  400: "Bad Request",
  407: "Proxy Authentication Required",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
} as const;
/** The status of an answer that refuses. */
export type RefusalStatus = keyof typeof REASONS;

/** An answer that refuses, and says why. */
export function refusalAnswer(status: RefusalStatus, why: string): Uint8Array {
  const body = `${why}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    ...(status === 407 ? ['Proxy-Authenticate: Basic realm="bunnel"'] : []),
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${encoder.encode(body).length}`,
    "Connection: close",
  ];
  return encoder.encode(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
