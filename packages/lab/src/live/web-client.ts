// Requests of the lab's client: by curl, the client that people use; by the lab's own where there is no curl.
import { type Family, serverAddress } from "./address-plan.ts";
import type { Caller } from "./calls.ts";
import type { ClientCalls, Scheme } from "./client-child.ts";
import type { LabHost } from "./host.ts";
import { outcomeOfCurl, outcomeOfWeb, type WebOutcome } from "./outcome.ts";
import { HTTP_PORT, HTTPS_PORT } from "./ports.ts";

export interface FetchOrder {
  readonly host: string;
  readonly scheme: Scheme;
  readonly family: Family;
  /** Which of the server's addresses. Default 0. */
  readonly server?: number;
  /** After this time without an answer the request counts as blocked. Default 1500. */
  readonly timeoutMs?: number;
  /** A path that answers as `/who` does. Default `/who`. */
  readonly path?: string;
  /** Another machine that asks, by curl. Default: the lab's client. */
  readonly from?: LabHost;
  /** Where curl asks: its words about versions. Default `--http1.1`. */
  readonly words?: readonly string[];
}

const TIMEOUT_MS = 1500;
const PATH = "/who";
/** What curl gets more than its own limit before it is killed. */
const GRACE_MS = 2000;

export class WebClient {
  /** @param curl its path; undefined: the lab's own client is used */
  constructor(
    private readonly client: LabHost,
    private readonly ownClient: Caller<ClientCalls>,
    private readonly authority: string,
    readonly curl: string | undefined,
  ) {}

  /** Asks the server who it was asked for and reads what came of it. Never throws for what the network does. */
  async fetch(order: FetchOrder): Promise<WebOutcome> {
    return this.curl === undefined ? this.#ownFetch(order) : this.#curlFetch(this.curl, order);
  }

  async #curlFetch(curl: string, order: FetchOrder): Promise<WebOutcome> {
    const timeoutMs = order.timeoutMs ?? TIMEOUT_MS;
    const port = order.scheme === "https" ? HTTPS_PORT : HTTP_PORT;
    const address = serverAddress(order.family, order.server);
    const seconds = String(timeoutMs / 1000);
    const command = [
      ...[curl, "--silent", "--show-error", "--noproxy", "*", `-${order.family}`, ...(order.words ?? ["--http1.1"])],
      ...["--resolve", `${order.host}:${port}:${order.family === 6 ? `[${address}]` : address}`],
      ...["--connect-timeout", seconds, "--max-time", seconds],
      // The authority comes by standard input: no file that could be left behind.
      ...(order.scheme === "https" ? ["--cacert", "/dev/stdin"] : []),
      `${order.scheme}://${order.host}${order.path ?? PATH}`,
    ];
    const stdin = new TextEncoder().encode(this.authority);
    const run = await (order.from ?? this.client).run(command, { stdin, timeoutMs: timeoutMs + GRACE_MS });
    return outcomeOfCurl(order.host, run.status, run.stdout, run.stderr);
  }

  async #ownFetch(order: FetchOrder): Promise<WebOutcome> {
    const result = await this.ownClient.call("web", {
      scheme: order.scheme,
      address: serverAddress(order.family, order.server),
      host: order.host,
      path: order.path ?? PATH,
      authority: this.authority,
      timeoutMs: order.timeoutMs ?? TIMEOUT_MS,
    });
    return outcomeOfWeb(order.host, result);
  }
}
