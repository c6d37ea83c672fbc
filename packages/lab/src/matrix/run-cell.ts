// One technique against one censor: one connection over the simulated path, and what came of it.
import { clientHello, httpRequest } from "@bunnel/wire";
import type { ClientHelloFields, HttpRequestFields } from "@bunnel/wire";
import type { Censor } from "../censors/censor.ts";
import { Endpoint } from "../endpoint.ts";
import { Client } from "../link/client.ts";
import type { ClientState } from "../link/client.ts";
import { Link } from "../link/link.ts";
import type { Gateway, Transform } from "../link/gateway.ts";
import type { LinkOptions, LinkReport } from "../link/link.ts";
import { SeededRandom } from "../link/random.ts";
import type { PacketCounts, PacketEvent } from "../link/trace.ts";

/**
 * served: the endpoint read exactly the message, and the client got the answer ·
 * blocked: the censor kept the message from arriving · reset: the client got the censor's RST ·
 * broken: no censor is to blame: the endpoint read other octets, refused, or never got the message.
 */
export type Outcome = "served" | "blocked" | "reset" | "broken";

export interface CellOptions {
  /** What rewrites the client's packets. Default: every packet as it is. */
  readonly transform?: Transform;
  /** The same with a clock; then there is no transform. */
  readonly gateway?: Gateway;
  /** The cell resets it first. */
  readonly censor: Censor;
  readonly message: "tls" | "http";
  /** Default 4. */
  readonly family?: 4 | 6;
  /** The name in the message. Default CELL_HOST. */
  readonly host?: string;
  /** More about a TLS hello. */
  readonly hello?: Omit<ClientHelloFields, "serverName">;
  /** More about an HTTP request. */
  readonly request?: Omit<HttpRequestFields, "host">;
  readonly link?: Omit<LinkOptions, "seed">;
  /** The client offers TCP timestamps. Default true. */
  readonly timestamps?: boolean;
  /** Numbers, port and faults of the run follow from it. Default 1. */
  readonly seed?: number;
}

export interface CellResult {
  readonly outcome: Outcome;
  /** The name that the endpoint read; undefined: it read no complete message. */
  readonly host: string | undefined;
  /** The entry of the list that the censor found. */
  readonly matched: string | undefined;
  readonly packets: PacketCounts;
  readonly events: readonly PacketEvent[];
}

export const CELL_HOST = "video.example.org";
const CLIENTS = { 4: "192.0.2.7", 6: "2001:db8:1::7" } as const;
const SERVERS = { 4: "203.0.113.9", 6: "2001:db8:2::9" } as const;
const PORTS = { tls: 443, http: 80 } as const;

/** Runs one connection. Equal options give equal results. */
export function runCell(options: CellOptions): CellResult {
  const { transform, gateway, censor } = options;
  const family = options.family ?? 4;
  const seed = options.seed ?? 1;
  const random = new SeededRandom(seed);
  const message = messageOf(options);
  const server = new Endpoint({ addresses: [SERVERS[family]], seed: random.next() });
  const client = new Client({
    source: CLIENTS[family],
    destination: SERVERS[family],
    sourcePort: 32768 + (random.next() % 28232),
    destinationPort: PORTS[options.message],
    firstSeq: random.next(),
    timestamps: options.timestamps ?? true,
    message,
  });
  censor.reset();
  const rewriting = { ...(transform !== undefined && { transform }), ...(gateway !== undefined && { gateway }) };
  const report = new Link({ client, server, censor, ...rewriting }, { ...options.link, seed }).run();
  const flow = server.flows.at(-1);
  const outcome = judge(message, flow?.stream ?? new Uint8Array(0), client.state, report);
  return { outcome, host: flow?.host, matched: report.matched[0], packets: report.counts, events: report.events };
}

function messageOf(options: CellOptions): Uint8Array {
  const host = options.host ?? CELL_HOST;
  if (options.message === "tls") return clientHello({ ...options.hello, serverName: host });
  return httpRequest({ ...options.request, host });
}

function judge(message: Uint8Array, stream: Uint8Array, state: ClientState, report: LinkReport): Outcome {
  const faithful = stream.every((octet, at) => octet === message[at]);
  if (!faithful) return "broken";
  if (state === "answered" && stream.length === message.length) return "served";
  if (report.matched.length === 0) return "broken";
  return state === "reset" && report.counts.injected > 0 ? "reset" : "blocked";
}
