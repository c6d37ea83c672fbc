// What fakes are made of, and what spoils them for the endpoint.

/** The name in a decoy that names none: a name that is real, harmless and blocked nowhere. */
export const DECOY_NAME_DEFAULT = "www.example.org";

/** Octets that do not come from the message: built when the rule table is, or given. */
export type Payload =
  /** A TLS hello, an HTTP request or a QUIC Initial for a host. */
  | { readonly source: "tls" | "http" | "quic"; readonly name: string }
  /** A STUN binding request (RFC 8489 section 5). */
  | { readonly source: "stun" }
  /** An entry of the profile's `[payload]`, or the path of a file. */
  | { readonly source: "named"; readonly name: string }
  /** The octets as lower-case hexadecimal digits, 1 to PAYLOAD_MAX_BYTES of them. */
  | { readonly source: "octets"; readonly hex: string };

/** Octets that fill any length: a payload is repeated. */
export type Pattern =
  | { readonly content: "zeros" }
  | { readonly content: "random" }
  | { readonly content: "payload"; readonly payload: Payload };

/** What is changed in a decoy that is a TLS hello, message by message. */
export interface HelloChanges {
  /** Its server name becomes random letters. */
  readonly rndsni: boolean;
  /** It gets the message's session id. */
  readonly dupsid: boolean;
  /** It is padded to the message's size. */
  readonly padencap: boolean;
}

/** What a fake carries. */
export type Decoy =
  /** The message itself with another host name in it, fitted to the length of the real one. */
  | { readonly content: "name"; readonly name: string }
  /** The message itself with random letters for its host name. */
  | { readonly content: "random name" }
  /** As many zero or random octets as the message has. */
  | { readonly content: "zeros" }
  | { readonly content: "random" }
  | ({ readonly content: "payload"; readonly payload: Payload } & HelloChanges);

/** A hop limit from the distance to the server: `delta` is added, the sum kept between `min` and `max`. */
export interface AutoTtl {
  /** -128 to 127. */
  readonly delta: number;
  /** 1 to 255, the least not above the most. */
  readonly min: number;
  readonly max: number;
}

/** Damage that makes the endpoint discard a fake; what is absent is not done. */
export interface Foolings {
  /** A hop limit, 1 to 255, that ends between the box and the endpoint; beside `autoTtl` for an unknown distance. */
  readonly ttl?: number;
  readonly autoTtl?: AutoTtl;
  /** A wrong TCP or UDP checksum. */
  readonly badsum?: true;
  /** Added to the sequence and the acknowledgement number, so that both lie outside the window. */
  readonly badseq?: { readonly seq: number; readonly ack: number };
  /** The MD5 signature option of RFC 2385, unsigned. */
  readonly md5sig?: true;
  /** No ACK flag. */
  readonly datanoack?: true;
  /** Added to the time stamp, below zero: an old one (PAWS, RFC 7323 section 5). */
  readonly ts?: number;
  /** A data offset that makes options of the payload. */
  readonly dataofs?: true;
}
export const FOOLINGS = ["ttl", "badsum", "badseq", "md5sig", "datanoack", "ts", "dataofs"] as const;
/** The word of a fooling. */
export type FoolingWord = (typeof FOOLINGS)[number];

/** What `ttl=auto`, `badseq` and `ts` mean without a number, as their users know it. */
export const AUTO_TTL_DEFAULT: AutoTtl = { delta: -1, min: 3, max: 20 };
/** What `badseq` adds to the sequence and to the acknowledgement number. */
export const BADSEQ_DEFAULT = { seq: -10_000, ack: -66_000 } as const;
/**
 * What `badseq` may add to the sequence number. Less, or forwards, and octets of the fake lie in the server's window:
 * it would read them, or keep them until the stream comes that far. More comes near half way round (RFC 9293 section
 * 3.4). No acknowledgement makes up for that: what Linux expects next it takes before it looks at what that
 * acknowledges (header prediction, tcp_rcv_established of net/ipv4/tcp_input.c).
 */
export const BADSEQ = { min: -0x4000_0000, max: -10_000 } as const;
/** What `ts` adds to the TCP timestamp. */
export const TS_DEFAULT = -600_000;
/**
 * What `ts` may add. Less, and the stamp is new to a server towards which the client was silent for ten seconds, or, by
 * one, to any (Linux: TCP_PAWS_WINDOW, include/net/tcp.h); more comes close to half way round, where old and new cannot
 * be told apart (RFC 7323 section 5.2).
 */
export const TS = { min: -2_000_000_000, max: -10_000 } as const;
