// What a strategy is, as plain data. The notation is one way to write it, the rule table another.

/** The kinds of message that strategies are written for, in the order in which they are printed. */
export const KINDS = ["tls", "http"] as const;
export type Kind = (typeof KINDS)[number];

/** Places in a message that points name; an offset is added. */
export const MARKERS = ["method", "host", "endhost", "sld", "midsld", "endsld", "sniext"] as const;
export type PointMarker = (typeof MARKERS)[number];

/** Markers that a kind of message does not have. */
const FOREIGN_MARKERS: Readonly<Record<Kind, PointMarker>> = { tls: "method", http: "sniext" };

/** The markers that a kind of message has. */
export function markersOf(kind: Kind): readonly PointMarker[] {
  return MARKERS.filter((marker) => marker !== FOREIGN_MARKERS[kind]);
}

/** A place between two octets. */
export interface Point {
  /** "absolute": from the message's first octet; a negative offset counts from its end. */
  readonly marker: PointMarker | "absolute";
  /** -32768 to 32767; never 0 with "absolute". */
  readonly offset: number;
}

/** Cuts the message at its points. */
export interface Split {
  readonly technique: "split";
  /** One to eight, each once. */
  readonly points: readonly Point[];
}

/** Sends the pieces last first. */
export interface Disorder {
  readonly technique: "disorder";
}

/** What a fake carries: the message with another host name in it, or as many zero octets. */
export type DecoyContent = { readonly content: "name"; readonly name: string } | { readonly content: "zeros" };

/** Sends a decoy that the endpoint discards, because of at least one fooling. */
export interface Fake {
  readonly technique: "fake";
  readonly decoy: DecoyContent;
  /** Fooling: a hop limit, 1 to 255, that ends between the box and the endpoint. */
  readonly ttl?: number;
  /** Fooling: a wrong TCP checksum. */
  readonly badsum: boolean;
  /** How often it is sent: 1 to 20. */
  readonly repeats: number;
}

export type Operation = Split | Disorder | Fake;

/** What happens to one kind of message: the operations in turn. None: it is left alone. */
export interface Clause {
  readonly kind: Kind;
  readonly operations: readonly Operation[];
}

/** At least one clause, each kind once at most, in the order of KINDS. A kind without a clause is no concern of it. */
export interface Strategy {
  readonly clauses: readonly Clause[];
}
