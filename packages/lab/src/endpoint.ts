// A server that takes packets off the path and holds to RFC 9293, as Linux does. Stations of a packet:
//   1. a hop limit of 0, a foreign address or a wrong IP checksum: gone
//   2. fragments wait for each other
//   3. a wrong TCP checksum: gone
//   4. a SYN opens a connection on an open port; what belongs to none is answered with RST
//   5. the connection delivers octets in order, and answers a complete ClientHello or HTTP request
import { TCP_ACK, TCP_RST, TCP_SYN, tcpPacket } from "@bunnel/wire";
import { EndpointFlow } from "./endpoint-flow.ts";
import type { TcpStack } from "./endpoint-flow.ts";
import { ipChecksumHolds } from "./ip/checksum.ts";
import { Datagrams } from "./ip/datagrams.ts";
import type { Host } from "./link/host.ts";
import { SeededRandom } from "./link/random.ts";
import { has, readSegment, sequenceBytes } from "./tcp/segment.ts";
import type { TcpSegment } from "./tcp/segment.ts";
import { sequenceAfter } from "./tcp/sequence.ts";

/** Connections that are remembered; the oldest gives way. */
export const ENDPOINT_FLOWS_MAX = 1024;

const PORTS: readonly number[] = [80, 443];

export interface EndpointOptions {
  /** Addresses that the endpoint answers for, as `decodePacket` writes them. */
  readonly addresses: readonly string[];
  /** Open ports. Default 80 and 443. */
  readonly ports?: readonly number[];
  /** Seed of its sequence numbers. Default 1. */
  readonly seed?: number;
  /** Whose choices it makes where segments overlap. Default "linux". */
  readonly stack?: TcpStack;
  /** Its answers grow to so many octets. Default: a few. */
  readonly answerBytes?: number;
}

export class Endpoint implements Host {
  readonly #options: EndpointOptions;
  readonly #ports: readonly number[];
  readonly #random: SeededRandom;
  readonly #datagrams = new Datagrams();
  /** In order of opening. */
  readonly #flows = new Map<string, EndpointFlow>();
  #last: EndpointFlow | undefined;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#ports = options.ports ?? PORTS;
    this.#random = new SeededRandom(options.seed ?? 1);
  }

  /** All connections, in order of opening. */
  get flows(): readonly EndpointFlow[] {
    return [...this.#flows.values()];
  }

  /** The connection that was opened last. */
  get lastFlow(): EndpointFlow | undefined {
    return this.#last;
  }

  /** A complete ClientHello or HTTP request was delivered on some connection. */
  get served(): boolean {
    return [...this.#flows.values()].some(({ served }) => served);
  }

  get dueMs(): number | undefined {
    // Nearly all that there ever are, and asked for between any two packets.
    if (this.#flows.size < 2) return this.#last?.dueMs;
    let earliest: number | undefined;
    for (const { dueMs } of this.#flows.values()) {
      if (dueMs !== undefined && (earliest === undefined || dueMs < earliest)) earliest = dueMs;
    }
    return earliest;
  }

  tick(nowMs: number): Uint8Array[] {
    if (this.#flows.size < 2) return this.#last?.tick(nowMs) ?? [];
    return this.flows.flatMap((flow) => flow.tick(nowMs));
  }

  /** Takes one packet with the hop limit that is left of it. Bears any octets. */
  receive(packet: Uint8Array, nowMs: number): Uint8Array[] {
    const whole = this.#datagrams.take(packet, nowMs);
    const segment = whole === undefined ? undefined : readSegment(whole);
    if (segment === undefined || segment.hopLimit === 0) return [];
    if (!ipChecksumHolds(packet) || !segment.checksumHolds) return [];
    return this.#deliver(segment, nowMs);
  }

  #deliver(segment: TcpSegment, nowMs: number): Uint8Array[] {
    const { key } = segment;
    const flow = this.#flows.get(key);
    if (flow !== undefined && flow.state !== "closed") return flow.receive(segment, nowMs);
    if (!this.#options.addresses.includes(segment.destination)) return [];
    const opens = has(segment, TCP_SYN) && !has(segment, TCP_ACK) && !has(segment, TCP_RST);
    if (!opens || !this.#ports.includes(segment.destinationPort)) return refuse(segment);
    const { stack, answerBytes } = this.#options;
    const opened = new EndpointFlow(segment, { firstSeq: this.#random.next(), stack, answerBytes });
    this.#flows.delete(key);
    const oldest = this.#flows.keys().next();
    if (this.#flows.size >= ENDPOINT_FLOWS_MAX && oldest.done !== true) this.#flows.delete(oldest.value);
    this.#flows.set(key, opened);
    this.#last = opened;
    return opened.open(nowMs);
  }
}

/** The RST that answers a segment of no connection (RFC 9293 section 3.10.7.1). */
function refuse(segment: TcpSegment): Uint8Array[] {
  if (has(segment, TCP_RST)) return [];
  const acknowledges = has(segment, TCP_ACK);
  return [
    tcpPacket({
      source: segment.destination,
      destination: segment.source,
      sourcePort: segment.destinationPort,
      destinationPort: segment.sourcePort,
      seq: acknowledges ? segment.ack : 0,
      ack: acknowledges ? 0 : sequenceAfter(segment.seq, sequenceBytes(segment)),
      flags: acknowledges ? "R" : "RA",
    }),
  ];
}
