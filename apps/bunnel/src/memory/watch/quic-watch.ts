// From what is seen of QUIC to what became of connections. Pure: time is told, nothing is asked.
//
//   silence    the client's hello was sent again three times and nothing came, or the server sends its part of the
//              handshake again and again, because nothing behind the hello reaches it
//   worked     so many datagrams behind the handshake that the server must have heard the client
//
// A box that opens the first datagram may let that one pass and drop what follows.
import type { FlowVerdict, Seen } from "./seen.ts";
import { SignsOfLife } from "./signs-of-life.ts";

/** How often a hello is sent again, or the server's handshake, before it counts as lost. */
export const QUIC_AGAIN_MIN = 3;
/** Datagrams of one flight leave together, and are seen in one look or the next. */
export const FLIGHT_MS = 150;
/** More than a server sends that has not heard the client: at most three times what came (RFC 9000 section 8.1). */
export const DATA_MIN = 6;
/** A connection is watched for so long. */
export const QUIC_WATCH_MAX_MS = 30_000;
/** Connections at a time, whose ports a filter can name; the oldest goes. */
export const QUIC_FLOWS_MAX = 64;

interface Connection {
  readonly host: string;
  readonly id: string;
  readonly helloAt: number;
  /** When a part of the hello was counted last, and how often it was sent again. */
  sentAt: number;
  again: number;
  /** The same of the server's handshake; undefined: nothing came. */
  answeredAt: number | undefined;
  repeated: number;
  data: number;
}

export class QuicWatch {
  readonly #connections = new Map<string, Connection>();

  constructor(readonly life: SignsOfLife = new SignsOfLife()) {}

  /** Connections of which nothing is decided. */
  get watched(): Iterable<string> {
    return this.#connections.keys();
  }

  /** Whose hello this is, where that is known; undefined: it must be read. */
  hostOf(flow: string, id: string): string | undefined {
    const known = this.#connections.get(flow);
    return known?.id === id ? known.host : undefined;
  }

  /** What follows from it. @param now milliseconds of any clock that does not go back */
  take(seen: Seen, now: number): FlowVerdict[] {
    switch (seen.seen) {
      case "initial":
        this.#sent(seen, now);
        return this.#confirmed();
      case "answer":
        this.life.note(seen.flow, now);
        return [...this.#answered(seen, now), ...this.#confirmed()];
      case "unheard":
        this.#connections.clear();
        return [];
      case "synAck":
        return this.#confirmed();
      case "hello":
      case "reset":
      case "end":
      case "redirect":
      case "socket":
      case "other":
      case "gone":
        return [];
    }
  }

  /** Forgets what is watched for too long, and says what has become sure. */
  tick(now: number): FlowVerdict[] {
    const verdicts = this.#confirmed();
    for (const [flow, { helloAt }] of this.#connections) {
      if (now - helloAt >= QUIC_WATCH_MAX_MS) this.#connections.delete(flow);
    }
    return verdicts;
  }

  /** Another network: nothing of before counts. */
  clear(): void {
    this.#connections.clear();
  }

  #sent({ flow, host, id }: Extract<Seen, { seen: "initial" }>, now: number): void {
    const known = this.#connections.get(flow);
    if (known?.id === id) {
      if (now - known.sentAt < FLIGHT_MS) return;
      known.sentAt = now;
      known.again++;
      return;
    }
    // Behind the first answer the client calls the connection as the server does.
    if (known?.answeredAt !== undefined && known.host === host) return;
    this.#connections.delete(flow);
    const [oldest] = this.#connections.keys();
    if (this.#connections.size >= QUIC_FLOWS_MAX && oldest !== undefined) this.#connections.delete(oldest);
    const nothing = { again: 0, answeredAt: undefined, repeated: 0, data: 0 };
    this.#connections.set(flow, { host, id, helloAt: now, sentAt: now, ...nothing });
  }

  #answered({ flow, isLong }: Extract<Seen, { seen: "answer" }>, now: number): FlowVerdict[] {
    const connection = this.#connections.get(flow);
    if (connection === undefined) return [];
    if (!isLong) return ++connection.data >= DATA_MIN ? this.#settle(flow, connection, undefined) : [];
    if (connection.answeredAt !== undefined && now - connection.answeredAt < FLIGHT_MS) return [];
    if (connection.answeredAt !== undefined) connection.repeated++;
    connection.answeredAt = now;
    return [];
  }

  /** Those that are silent while another flow is heard. */
  #confirmed(): FlowVerdict[] {
    const verdicts: FlowVerdict[] = [];
    for (const [flow, connection] of this.#connections) {
      if (!isSilent(connection) || !this.life.isOtherHeard(flow, connection.helloAt)) continue;
      verdicts.push(...this.#settle(flow, connection, "silence"));
    }
    return verdicts;
  }

  #settle(flow: string, { host, helloAt }: Connection, symptom: FlowVerdict["symptom"]): FlowVerdict[] {
    this.#connections.delete(flow);
    return [{ host, kind: "quic", helloAt, symptom, weight: 1 }];
  }
}

function isSilent({ again, answeredAt, repeated, data }: Connection): boolean {
  if (data > 0) return false;
  return answeredAt === undefined ? again >= QUIC_AGAIN_MIN : repeated >= QUIC_AGAIN_MIN;
}
