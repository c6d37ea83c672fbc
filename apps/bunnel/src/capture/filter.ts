// Which packets a capture keeps. A name is known from a flow's first message on, so that what came before it, the
// handshake, is not in a capture by name.
import type { SeenExchange } from "./message-reader.ts";

/** What has to fit; all that are given. */
export interface CaptureFilter {
  /** The name itself or one below it. */
  readonly host?: string;
  readonly rule?: string;
  /** Of either end. */
  readonly port?: number;
}

/** Flows that are remembered; the oldest goes first. */
const FLOWS_MAX = 10_000;

/** Remembers the flows that fitted once. */
export class ExchangeFilter {
  readonly #flows = new Set<string>();

  constructor(readonly filter: CaptureFilter) {}

  fits(exchange: SeenExchange): boolean {
    const { host, rule, port } = this.filter;
    const { sourcePort, destinationPort } = exchange;
    if (port !== undefined && port !== sourcePort && port !== destinationPort) return false;
    if (host === undefined && rule === undefined) return true;
    const flow = `${exchange.protocol} ${exchange.source} ${exchange.destination}`;
    const isHost = host === undefined || isBelow(exchange.host, host.toLowerCase());
    const isRule = rule === undefined || exchange.before.rule === rule;
    if (isHost && isRule) this.#remember(flow);
    else if (exchange.before.message !== undefined && exchange.before.verdict !== "Hold") this.#flows.delete(flow);
    return this.#flows.has(flow);
  }

  #remember(flow: string): void {
    this.#flows.delete(flow);
    this.#flows.add(flow);
    const [oldest] = this.#flows;
    if (this.#flows.size > FLOWS_MAX && oldest !== undefined) this.#flows.delete(oldest);
  }
}

function isBelow(name: string | undefined, above: string): boolean {
  const lower = name?.toLowerCase();
  return lower !== undefined && (lower === above || lower.endsWith(`.${above}`));
}
