// One technique against one censor: one connection over the simulated path, and what came of it.
import type { ClientHelloFields, HttpRequestFields } from "@bunnel/wire";
import type { Censor } from "../censors/censor.ts";
import type { QuicSpread } from "../censors/gallery.ts";
import { DatagramEndpoint } from "../datagram-endpoint.ts";
import { Endpoint } from "../endpoint.ts";
import type { TcpStack } from "../endpoint-flow.ts";
import { lend } from "../lent-octets.ts";
import { Client } from "../link/client.ts";
import type { ClientState } from "../link/client.ts";
import { DatagramClient } from "../link/datagram-client.ts";
import type { Gateway, Transform } from "../link/gateway.ts";
import { Link } from "../link/link.ts";
import type { LinkOptions, LinkParts, LinkReport } from "../link/link.ts";
import { SeededRandom } from "../link/random.ts";
import { concat } from "../octets.ts";
import { requestMeaning } from "../request-meaning.ts";
import type { PacketCounts, PacketEvent } from "../link/trace.ts";
import { answerFor, datagramMessage, streamMessage } from "./cell-messages.ts";
import { readableOf, saysTheSame } from "./stream-pieces.ts";
import type { StreamPieces } from "./stream-pieces.ts";

/**
 * served: the endpoint read exactly the message, and the client got its answer ·
 * blocked: the censor kept the message from arriving, or the answer from being whole · reset: the client got the
 * censor's RST · forged: the client got an answer that the server did not send ·
 * broken: no censor is to blame: the endpoint read other octets, refused, or never got the message.
 */
export type Outcome = "served" | "blocked" | "reset" | "forged" | "broken";

export interface CellOptions {
  /** What rewrites the client's packets. Default: every packet as it is. */
  readonly transform?: Transform;
  /** The same with a clock; then there is no transform. */
  readonly gateway?: Gateway;
  /** The cell resets it first. Default: nobody watches. */
  readonly censor?: Censor;
  readonly message: "tls" | "http" | "quic" | "dns";
  /** What sockets make of the message, over TCP. Default: it leaves as it is. */
  readonly pieces?: StreamPieces;
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
  /** Whose choices the server makes where segments overlap. Default "linux". */
  readonly stack?: TcpStack;
  /** How a QUIC hello is spread. Default: one datagram with one frame. */
  readonly spread?: QuicSpread;
  /** The server's answer over TCP grows to so many octets. Default: a few. */
  readonly answerBytes?: number;
  /** How often the client sends again over TCP before it gives up. Default: RETRANSMIT_MAX. */
  readonly retransmitMax?: number;
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
const PORTS = { tls: 443, http: 80, quic: 443, dns: 53 } as const;

interface Run {
  readonly report: LinkReport;
  readonly state: ClientState;
  readonly received: Uint8Array;
  /** What the server should have answered. */
  readonly answer: Uint8Array;
  readonly host: string | undefined;
  /** The endpoint read nothing but the message's own octets; all of them. */
  readonly isFaithful: boolean;
  readonly isWhole: boolean;
}

const NOTHING = new Uint8Array(0);

/** Runs one connection. Equal options give equal results, with a gateway as far as it is true to its contract. */
export function runCell(options: CellOptions): CellResult {
  // Events keep their packets, and a transform may keep what it gives out.
  const isLent = options.link?.events === false && options.transform === undefined;
  return isLent ? lend(() => connect(options)) : connect(options);
}

function connect(options: CellOptions): CellResult {
  options.censor?.reset();
  const run = options.message === "tls" || options.message === "http" ? overTcp(options) : overUdp(options);
  const { counts, events, matched } = run.report;
  return { outcome: judge(run), host: run.host, matched: matched[0], packets: counts, events };
}

function endsOf({ family = 4, message }: CellOptions, random: SeededRandom) {
  return {
    source: CLIENTS[family],
    destination: SERVERS[family],
    sourcePort: 32768 + (random.next() % 28232),
    destinationPort: PORTS[message],
  };
}

function overTcp(options: CellOptions): Run {
  const random = new SeededRandom(options.seed ?? 1);
  const host = options.host ?? CELL_HOST;
  const message = streamMessage(options, host);
  const pieces = options.pieces?.(message);
  const { answerBytes = 0, stack = "linux" } = options;
  const serverSeed = random.next();
  const ends = endsOf(options, random);
  const answer = answerFor(options.message, answerBytes);
  const server = new Endpoint({ addresses: [ends.destination], seed: serverSeed, stack, answerBytes });
  const timestamps = options.timestamps ?? true;
  const firstSeq = random.next();
  const client = new Client({
    source: ends.source,
    destination: ends.destination,
    sourcePort: ends.sourcePort,
    destinationPort: ends.destinationPort,
    retransmitMax: options.retransmitMax,
    firstSeq,
    timestamps,
    message: pieces === undefined ? message : concat(...pieces.map(({ octets }) => octets)),
    pieces,
    answerBytes: answer.length,
  });
  const report = carry(options, client, server);
  const flow = server.lastFlow;
  const stream = flow?.stream ?? NOTHING;
  const expected = pieces === undefined ? message : readableOf(pieces);
  const isFaithful = isPrefix(stream, expected) || (options.message === "http" && meansTheSame(stream, message));
  const isMeant = pieces === undefined || saysTheSame(stream, message, host);
  const isWhole = stream.length === expected.length && isMeant;
  return { report, state: client.state, received: client.received, answer, host: flow?.host, isFaithful, isWhole };
}

function overUdp(options: CellOptions): Run {
  const random = new SeededRandom(options.seed ?? 1);
  const host = options.host ?? CELL_HOST;
  const { answer, ...told } = datagramMessage(options.message, host, options.spread);
  const ends = endsOf(options, random);
  const server = new DatagramEndpoint([ends.destination]);
  const client = new DatagramClient({ ...ends, ...told });
  const report = carry(options, client, server);
  const { state, received } = client;
  const isWhole = server.hosts.includes(host);
  return { report, state, received, answer, host: server.hosts.at(-1), isFaithful: true, isWhole };
}

function carry(options: CellOptions, client: LinkParts["client"], server: LinkParts["server"]): LinkReport {
  const { transform, gateway, censor, seed = 1, link } = options;
  return new Link({ client, server, transform, gateway, censor }, link, seed).run();
}

function judge({ report, state, received, answer, isFaithful, isWhole }: Run): Outcome {
  if (!isFaithful) return "broken";
  if (!startsAs(received, answer)) return "forged";
  if (state === "answered" && isWhole) return "served";
  if (report.matched.length === 0) return "broken";
  return state === "reset" && report.counts.injected > 0 ? "reset" : "blocked";
}

/** A request whose words were written in another way of the same meaning: what `httphost` does. */
function meansTheSame(stream: Uint8Array, message: Uint8Array): boolean {
  return stream.length === message.length && requestMeaning(stream) === requestMeaning(message);
}

function isPrefix(octets: Uint8Array, whole: Uint8Array): boolean {
  return octets.length <= whole.length && startsAs(octets, whole);
}

/** Whether two rows of octets are equal as far as both go. */
function startsAs(one: Uint8Array, other: Uint8Array): boolean {
  const bytes = Math.min(one.length, other.length);
  for (let at = 0; at < bytes; at += 1) if (one[at] !== other[at]) return false;
  return true;
}
