// The address that Prometheus scrapes. It has no token, and so it says nothing but figures and names of rules.
import { Allowance } from "../control/allowance.ts";
import { CONTENT_TYPE } from "./exposition.ts";

/** Where to listen. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

const PORT_MAX = 65_535;
/** Scrapes: so many at once, and so many a second after that. Each asks the service. */
const BURST = 20;
const A_SECOND = 5;

/** "127.0.0.1:9477", "[::1]:9477", or "9477" for that of 127.0.0.1. Undefined: none of these. */
export function readListenAddress(text: string): ListenAddress | undefined {
  const [, six, name, digits] = /^(?:(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):)?(\d{1,5})$/iu.exec(text) ?? [];
  const port = Number(digits ?? Number.NaN);
  return port <= PORT_MAX ? { hostname: six ?? name ?? "127.0.0.1", port } : undefined;
}

/**
 * Answers GET /metrics with what `text` gives, until it is stopped.
 * @throws Error when the address is taken
 */
export function listenForScrapes(
  { hostname, port }: ListenAddress,
  text: () => Promise<string>,
): Bun.Server<undefined> {
  const allowance = new Allowance(BURST, A_SECOND);
  return Bun.serve({
    hostname,
    port,
    async fetch(request) {
      const refusal = refusalOf(request, allowance);
      if (refusal !== undefined) return refusal;
      return new Response(await text(), { headers: { "content-type": CONTENT_TYPE, "cache-control": "no-store" } });
    },
  });
}

function refusalOf(request: Request, allowance: Allowance): Response | undefined {
  // A scraper is no page: what a page of whatever name sends is not answered.
  const site = request.headers.get("sec-fetch-site");
  if (request.headers.has("origin") || (site !== null && site !== "none")) return said(403, "no pages here");
  if (new URL(request.url).pathname !== "/metrics") return said(404, "see /metrics");
  if (request.method !== "GET" && request.method !== "HEAD") return said(405, "expected GET");
  return allowance.take() ? undefined : said(429, "too many scrapes");
}

function said(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { "content-type": "text/plain" } });
}
