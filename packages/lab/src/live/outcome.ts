// What became of one request, as its user would tell it.
import type { WebResult } from "./client-child.ts";
import type { WhoAnswer } from "./server-child.ts";

export type Outcome =
  /** The right server answered the right question. */
  | "served"
  /** Nothing came back in time. */
  | "blocked"
  /** The connection was torn down. */
  | "reset"
  /** Something came back that an honest way would not bring: another host's page, a broken handshake, a block page. */
  | "wrong";

export interface WebOutcome {
  readonly outcome: Outcome;
  /** For people: the host that the server saw, or the client's own words. */
  readonly detail: string;
}

// Exit statuses of curl, as its manual lists them.
const CURL_OK = 0;
const CURL_REFUSED = 7;
const CURL_TIMEOUT = 28;
const CURL_TLS_CONNECT = 35;
const CURL_EMPTY_REPLY = 52;
const CURL_SEND = 55;
const CURL_RECEIVE = 56;

/** In curl's words and in those of its TLS libraries: the peer ended the connection in the middle of the handshake. */
const RESET_WORDS = /reset|SSL_ERROR_SYSCALL|unexpected eof|closed abruptly/i;

/** Reads what curl left behind. */
export function outcomeOfCurl(host: string, status: number, body: string, words: string): WebOutcome {
  const detail = words.trim() || `curl ended with status ${status}`;
  if (status === CURL_OK) return outcomeOfBody(host, body);
  if (status === CURL_TIMEOUT) return { outcome: "blocked", detail };
  if (status === CURL_REFUSED || status === CURL_EMPTY_REPLY) return { outcome: "reset", detail };
  const transport = status === CURL_TLS_CONNECT || status === CURL_SEND || status === CURL_RECEIVE;
  return { outcome: transport && RESET_WORDS.test(words) ? "reset" : "wrong", detail };
}

/** Reads the result of the lab's own client. */
export function outcomeOfWeb(host: string, result: WebResult): WebOutcome {
  if (result.body !== undefined) return outcomeOfBody(host, result.body);
  const detail = result.error ?? "no answer";
  if (detail === "ETIMEDOUT") return { outcome: "blocked", detail };
  const torn = detail === "ECONNRESET" || detail === "ECONNREFUSED" || detail === "EPIPE" || RESET_WORDS.test(detail);
  return { outcome: torn ? "reset" : "wrong", detail };
}

/** The server repeats the names that it was asked for: they must be those that the client meant. */
function outcomeOfBody(host: string, body: string): WebOutcome {
  const who = readWho(body);
  if (who === undefined) return { outcome: "wrong", detail: `not the server's answer: ${body.slice(0, 80)}` };
  const seen = who.serverName ?? who.host;
  const right = who.host === host && (who.serverName ?? host) === host;
  return { outcome: right ? "served" : "wrong", detail: `server saw ${seen ?? "no name"}` };
}

function readWho(body: string): WhoAnswer | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && "host" in value ? (value as WhoAnswer) : undefined;
  } catch {
    return undefined;
  }
}
