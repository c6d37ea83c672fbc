// A DNS query on its way from a lane to whoever answers it.

/** A query that a rule took out, as it travels between threads. */
export interface TakenQuery {
  /** The whole packet, as it came up. */
  readonly packet: Uint8Array;
  /** The resolver that the rule names, address and port in network order; absent: the one that answers by HTTPS. */
  readonly resolver?: Uint8Array;
}

/** Where a query was sent, or is to be asked. */
export interface DnsServer {
  readonly address: string;
  readonly port: number;
}

/** A query to be answered. */
export interface DnsQuestion {
  /** A DNS message, whatever its sender made of it. */
  readonly query: Uint8Array;
  /** Where its sender meant it to go. */
  readonly server: DnsServer;
  /** The resolver that the rule names; absent: the one that answers by HTTPS. */
  readonly resolver?: DnsServer;
}

/** Answers a query by a DNS message; undefined: nothing is said to it. What it throws is no answer either. */
export type AnswerDns = (question: DnsQuestion) => Promise<Uint8Array | undefined>;
