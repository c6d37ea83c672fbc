// Who may talk to the dashboard. It changes rules, so that no other page, no other name for this address and no other
// program of this machine's browser may.
//
//   1. Host: an address of loopback, or localhost, with our port (a name that leads here is somebody's rebinding)
//   2. Origin: ours, wherever the browser says one, and always where something is changed or a socket opened
//   3. a session: its cookie, and a key that the page alone has, because browsers give a cookie to every port
import { timingSafeEqual } from "node:crypto";
import { Allowance } from "../control/allowance.ts";

const SECRET_BYTES = 32;
/** Sessions at a time; the oldest goes first. */
const SESSIONS_MAX = 16;
/** Tries of a token: so many at once, and so many a second after that. */
const TRIES_BURST = 10;
const TRIES_A_SECOND = 1;
/** Requests of everybody together. */
const REQUESTS_BURST = 200;
const REQUESTS_A_SECOND = 50;
const COOKIE = "bunnel-session";
/** Where the page puts its key; a WebSocket has no headers of its own and names it as a protocol. */
export const KEY_HEADER = "x-bunnel-key";
export const KEY_PROTOCOL = "bunnel-key.";
export const LIVE_PROTOCOL = "bunnel-live";

/** On every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "cache-control": "no-store",
};

export function secret(): string {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** A request that is not answered: status and why. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
}

/** What was given for a token. */
export interface OpenedSession {
  /** For the header set-cookie. */
  readonly cookie: string;
  /** For the page. */
  readonly key: string;
}

export class Access {
  readonly token = secret();
  readonly #sessions = new Map<string, string>();
  readonly #tries: Allowance;
  readonly #requests: Allowance;

  /** @param hosts what the header Host may say, "127.0.0.1:8477" */
  constructor(
    readonly hosts: () => readonly string[],
    nowMs?: () => number,
  ) {
    this.#tries = new Allowance(TRIES_BURST, TRIES_A_SECOND, nowMs);
    this.#requests = new Allowance(REQUESTS_BURST, REQUESTS_A_SECOND, nowMs);
  }

  /** What every request has to fulfil; undefined: it does. */
  refusal(request: Request): Refusal | undefined {
    const host = request.headers.get("host") ?? "";
    if (!this.hosts().includes(host)) return { status: 421, error: "host: expected an address of this machine" };
    if (!this.#requests.take()) return { status: 429, error: "too many requests" };
    const origin = request.headers.get("origin");
    const isPlain = request.method === "GET" || request.method === "HEAD";
    const isSocket = request.headers.has("upgrade");
    if (origin === null ? !isPlain || isSocket : origin !== `http://${host}`) {
      return { status: 403, error: "origin: expected this page" };
    }
    const site = request.headers.get("sec-fetch-site");
    if (site !== null && site !== "same-origin" && site !== "none") return { status: 403, error: "another site" };
    return undefined;
  }

  /** A session for the token. */
  open(token: string): OpenedSession | Refusal {
    if (!this.#tries.take()) return { status: 429, error: "too many tries" };
    if (!isSame(token, this.token)) return { status: 401, error: "token: expected the one that bunnel ui printed" };
    const [id, key] = [secret(), secret()];
    this.#sessions.set(id, key);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > SESSIONS_MAX && oldest !== undefined) this.#sessions.delete(oldest);
    return { cookie: `${COOKIE}=${id}; HttpOnly; SameSite=Strict; Path=/`, key };
  }

  /** Whether the request belongs to a session. */
  isKnown(request: Request): boolean {
    const cookies = new Bun.CookieMap(request.headers.get("cookie") ?? "");
    const key = this.#sessions.get(cookies.get(COOKIE) ?? "");
    const given = request.headers.get(KEY_HEADER) ?? protocolKey(request);
    return key !== undefined && given !== undefined && isSame(given, key);
  }
}

function protocolKey(request: Request): string | undefined {
  const protocols = (request.headers.get("sec-websocket-protocol") ?? "").split(",").map((each) => each.trim());
  return protocols.find((each) => each.startsWith(KEY_PROTOCOL))?.slice(KEY_PROTOCOL.length);
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
