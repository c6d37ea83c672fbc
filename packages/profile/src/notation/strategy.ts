// What a strategy is, as plain data. The notation is one way to write it, the rule table another.
import type { Decoy, Foolings, Pattern, Payload } from "./content.ts";
import type { Kind, Point } from "./kinds.ts";
import type { StreamOperation } from "./stream-operations.ts";

/** Cuts the message at its points. */
export interface Split {
  readonly technique: "split";
  /** One to eight, each once. */
  readonly points: readonly Point[];
}

/** Sends the pieces last first, each with the decoys that are its own. */
export interface Disorder {
  readonly technique: "disorder";
}

/** Sends a decoy that the endpoint discards, or, where datagrams stand alone, has no use for. */
export interface Fake {
  readonly technique: "fake";
  readonly decoy: Decoy;
  /** At least one, but for quic and dns. */
  readonly foolings: Foolings;
  /** How often it is sent: 1 to 20. */
  readonly repeats: number;
  /** Behind the message instead of before it. */
  readonly after: boolean;
}

/** Widens a piece to the left by octets that the endpoint already has, or gets again. */
export interface SeqOvl {
  readonly technique: "seqovl";
  /** As many octets, or as many as stand before a point. */
  readonly overlap: number | Point;
  /** The second piece of the stream is widened, into the first; otherwise the first, to before the window. */
  readonly second: boolean;
  readonly pattern: Pattern;
}

/** Cuts, and sends each piece between two decoys of its own place and size. */
export interface FakedSplit {
  readonly technique: "fakedsplit";
  readonly points: readonly Point[];
  readonly pattern: Pattern;
  readonly foolings: Foolings;
  readonly repeats: number;
}

/** Cuts around the host name, and sends that piece between two decoys of another name. */
export interface HostFakeSplit {
  readonly technique: "hostfakesplit";
  /** Absent: random letters. */
  readonly name?: string;
  /** The real name is cut in its middle too. */
  readonly midhost: boolean;
  readonly foolings: Foolings;
  readonly repeats: number;
}

/** Puts a payload on the SYN. */
export interface SynData {
  readonly technique: "syndata";
  /** Zeros: 16 of them. */
  readonly payload: Payload | { readonly source: "zeros" };
}

/** Sends a SYN,ACK before the SYN. */
export interface SynAck {
  readonly technique: "synack";
  readonly foolings: Foolings;
  readonly repeats: number;
}

/** Sends an RST beside the message. */
export interface Rst {
  readonly technique: "rst";
  /** With the ACK flag. */
  readonly ack: boolean;
  readonly foolings: Foolings;
  readonly repeats: number;
  readonly after: boolean;
}

/** Sets the window field. */
export interface Window {
  readonly technique: "window";
  /** 1 to 65535, before scaling. */
  readonly bytes: number;
  /** The window scale option of a SYN, 0 to 14; absent: as it is. */
  readonly scale?: number;
}

/** Sets the MSS option of a SYN. */
export interface Mss {
  readonly technique: "mss";
  readonly bytes: number;
}

/** Cuts packets into IP fragments. */
export interface IpFrag {
  readonly technique: "ipfrag";
  /** Octets behind the IP header in the first fragment, a multiple of 8; absent: packets stay whole. */
  readonly bytes?: number;
  /** IPv6 packets get a hop-by-hop header instead. */
  readonly hopbyhop: boolean;
}

/** Makes a UDP payload longer, or shorter. */
export interface UdpLen {
  readonly technique: "udplen";
  /** Octets added, or below zero taken away. */
  readonly bytes: number;
  /** What is added; zeros where octets are taken away. */
  readonly pattern: Pattern;
}

/** Sends the packet nowhere. */
export interface Drop {
  readonly technique: "drop";
}

/** What `httphost` can change in the head of an HTTP request. */
export const HTTP_TRICKS = ["case", "mixed", "nospace", "domcase", "unixeol"] as const;
/** The word of one of them. */
export type HttpTrickWord = (typeof HTTP_TRICKS)[number];

/** Changes an HTTP request's head and keeps its length. */
export interface HttpHost {
  readonly technique: "httphost";
  /** At least one, in the order of HTTP_TRICKS; never both "case" and "mixed". */
  readonly tricks: readonly HttpTrickWord[];
}

/** How IPv4 identifications of pieces are chosen. */
export const IP_ID_SCHEMES = ["seq", "group", "random", "zero"] as const;
/** The word of one of them. */
export type IpIdWord = (typeof IP_ID_SCHEMES)[number];

/** How IPv4 identifications are chosen. */
export interface IpId {
  readonly technique: "ipid";
  readonly scheme: IpIdWord;
}

/** Sends the real packets more than once. */
export interface Dup {
  readonly technique: "dup";
  /** Further copies of each: 1 to 20. */
  readonly repeats: number;
}

/** Waits between packets. */
export interface Delay {
  readonly technique: "delay";
  readonly ms: number;
  /** Up to so much more, at random. */
  readonly jitterMs: number;
}

/** Sets the hop limit of the real packets. */
export interface Ttl {
  readonly technique: "ttl";
  readonly hops: number;
}

/** Sets the traffic class of the real packets. */
export interface Tos {
  readonly technique: "tos";
  /** DSCP and ECN together, 0 to 255. */
  readonly octet: number;
}

/** Answers the query by HTTPS, as the profile's `[dns]` says. */
export interface Doh {
  readonly technique: "doh";
}

/** Answers the query by another resolver, in plain DNS. */
export interface Redirect {
  readonly technique: "redirect";
  /** IPv4 or IPv6, in canonical form. */
  readonly address: string;
  readonly port: number;
}

/** A technique that packets can carry out, with its parameters. */
export type PacketOperation =
  | Split
  | Disorder
  | Fake
  | SeqOvl
  | FakedSplit
  | HostFakeSplit
  | SynData
  | SynAck
  | Rst
  | Window
  | Mss
  | IpFrag
  | UdpLen
  | Drop
  | HttpHost
  | IpId
  | Dup
  | Delay
  | Ttl
  | Tos
  | Doh
  | Redirect;

/** One technique with its parameters, as a strategy names it. */
export type Operation = PacketOperation | StreamOperation;

/** The name of a technique. */
export type TechniqueName = Operation["technique"];
/** The name of a technique that packets can carry out. */
export type PacketTechniqueName = PacketOperation["technique"];

/** What happens to one kind of message: the operations in turn. None: it is left alone. */
export interface Clause {
  readonly kind: Kind;
  readonly operations: readonly Operation[];
}

/** At least one clause, each kind once at most, in the order of KINDS. A kind without a clause is no concern of it. */
export interface Strategy {
  readonly clauses: readonly Clause[];
}
