// Kinds of message, and the places in them that points name.

/** The kinds of message that strategies are written for, in the order in which they are printed. */
export const KINDS = ["tls", "http", "quic", "dns", "syn"] as const;
/** A kind of message that strategies work on. */
export type Kind = (typeof KINDS)[number];

/** Places in a message that points name; an offset is added. */
export const MARKERS = ["method", "host", "endhost", "sld", "midsld", "endsld", "sniext"] as const;
/** A named place in a message. */
export type PointMarker = (typeof MARKERS)[number];

/** Markers of messages that are a piece of a stream; the others are never cut. */
const KIND_MARKERS: Readonly<Record<Kind, readonly PointMarker[]>> = {
  tls: MARKERS.filter((marker) => marker !== "method"),
  http: MARKERS.filter((marker) => marker !== "sniext"),
  quic: [],
  dns: [],
  syn: [],
};

/** The markers that a kind of message has. */
export function markersOf(kind: Kind): readonly PointMarker[] {
  return KIND_MARKERS[kind];
}

/** A place between two octets. */
export interface Point {
  /** "absolute": from the message's first octet; a negative offset counts from its end. */
  readonly marker: PointMarker | "absolute";
  /** -32768 to 32767; never 0 with "absolute". */
  readonly offset: number;
}

/** The kinds of which a message travels in a TCP segment with a payload. */
export function isStreamKind(kind: Kind): kind is "tls" | "http" {
  return kind === "tls" || kind === "http";
}

/** The kinds of which a message travels in TCP. */
export function isOfTcp(kind: Kind): boolean {
  return kind !== "quic" && kind !== "dns";
}

/** Where flows of a rule that names no ports go: RFC 9110 sections 4.2.1 and 4.2.2, RFC 7766 section 5. */
export function streamPorts(kind: Kind): readonly number[] {
  if (kind === "tls") return [443];
  if (kind === "dns") return [53];
  return kind === "http" ? [80] : [];
}
