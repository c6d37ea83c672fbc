// What a probe has seen, as plain data: whoever judges it needs no network, and whoever sees it judges nothing.

export type ProbeFamily = 4 | 6;

/** How far an exchange came. */
export type Stage = "connect" | "hello" | "certificate" | "request" | "body" | "done";

/**
 * What ended it. "reset" and "closed": the connection was torn down, or ended in order, before its time; "silent":
 * nothing came for the time that was given; "refused" and "unreachable": it was not opened; "broken": what came was no
 * TLS or no HTTP; "alert": the server itself said no.
 */
export type End = "done" | "reset" | "closed" | "silent" | "refused" | "unreachable" | "broken" | "alert";

/** Shapes of a ClientHello; see `hello.ts`. */
export type HelloShape = "classic" | "post-quantum";

/** One connection to a host, from the first packet to the last octet. */
export interface Exchange {
  readonly stage: Stage;
  readonly end: End;
  /** Of the whole exchange. */
  readonly ms: number;
  /** "valid", or why it is not; absent: none was seen. */
  readonly certificate?: string;
  readonly status?: number;
  /** Where a redirect leads. */
  readonly location?: string;
  readonly bodyBytes: number;
  /** The body ended before the octets that were asked for. */
  readonly isWhole?: boolean;
  readonly bytesPerSecond?: number;
  /** The system's or the library's own words. */
  readonly words?: string;
}

/** One try over QUIC. */
export interface QuicExchange extends Exchange {
  /** Datagrams that came back. */
  readonly answered: number;
}

/** What a resolver said: addresses, "none" for a name that is not there, "silent" when it said nothing. */
export type NamesSeen = readonly string[] | "none" | "silent";

/** What was seen at one address of a host. */
export interface AddressSeen {
  readonly address: string;
  readonly family: ProbeFamily;
  /** Whether anybody but the system's resolver says that the host is here. */
  readonly isTrusted: boolean;
  /** The host's name, over and over. */
  readonly own: readonly Exchange[];
  /** A name that nobody minds, at the same address; only whether anything answers the hello. */
  readonly harmless: Exchange;
  /** The machine's own address is being punished there already: everything was asked from others. */
  readonly wasPunished?: boolean;
  /** Other ports of it, where the harmless name found no connection. */
  readonly otherPorts?: readonly Exchange[];
  /** The harmless name from a local address that nobody has used before, in the same case. */
  readonly fresh?: Exchange;
  /** The harmless name in an earlier look, so long ago that a punishment would be over. */
  readonly earlier?: Exchange;
  /** No name at all. */
  readonly nameless?: Exchange;
  /** The harmless name again, behind a failure of the own one. */
  readonly after?: Exchange;
  /** Plain HTTP with the host's name, and with the harmless one. */
  readonly http?: Exchange;
  readonly httpHarmless?: Exchange;
  readonly quic?: readonly QuicExchange[];
  readonly quicHarmless?: QuicExchange;
  /** The harmless name over QUIC again, behind a failure of the own one. */
  readonly quicAfter?: QuicExchange;
  /** The same elsewhere, where nobody answers that one. */
  readonly quicElsewhere?: QuicExchange;
}

/** Everything that was seen of a host. */
export interface HostSeen {
  readonly host: string;
  readonly system: NamesSeen;
  readonly trusted: NamesSeen;
  /** What the system says of the harmless name. */
  readonly systemHarmless: NamesSeen;
  readonly addresses: readonly AddressSeen[];
  /** The harmless name at its own address, and the host's name there: another address, the same name. */
  readonly elsewhere?: { readonly harmless: Exchange; readonly own: Exchange };
}

/** Octets of body that count as a page. */
export const BODY_BYTES: number = 64 * 1024;
/** Slower than this is throttled: twice the 130 kbit/s that users of throttled services report. */
export const RATE_MIN: number = 32 * 1024;

/** A right certificate, and as much body as was asked for or all that there is. */
export function isServed({ end, certificate, isWhole, bodyBytes }: Exchange): boolean {
  return end === "done" && certificate === "valid" && (isWhole === true || bodyBytes >= BODY_BYTES);
}

/** The same at a rate that people can live with. */
export function isGood(exchange: Exchange): boolean {
  return isServed(exchange) && (exchange.bytesPerSecond ?? RATE_MIN) >= RATE_MIN;
}

/** Somebody answered the hello, whatever they said. */
export function isAnswered({ stage, end }: Exchange): boolean {
  if (stage === "connect") return false;
  return stage !== "hello" || end === "alert";
}

/** The connection itself was opened. */
export function isConnected({ stage }: Exchange): boolean {
  return stage !== "connect";
}
