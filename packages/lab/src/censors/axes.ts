// What the models are made of: one value for each axis. A model is a sentence and such a set of values; the box that
// acts by them is in `axis-censor.ts`, so that two models differ in what their files say and in nothing else.

/** In the path a box can keep packets; beside it (a tap) it sees copies and can only send. */
export type PositionAxis = "in-path" | "on-path";

/** What a box remembers of the octets that a client sent. */
export type StateAxis =
  /** Each packet is read for itself. */
  | { readonly kind: "none" }
  /** The first packet with data is read, no later one. */
  | { readonly kind: "first-data" }
  /** Each packet of a known flow is read for itself. */
  | { readonly kind: "packets" }
  /** The same, but only a packet that starts at the very octet where the last one ended. */
  | { readonly kind: "next" }
  /**
   * A stream that takes only what continues it, from so many packets with data; "exact": a packet that begins before
   * the next octet is thrown away as well.
   */
  | { readonly kind: "in-order"; readonly packetsMax: number; readonly exact?: boolean }
  /** A stream from packets in any order. */
  | {
      readonly kind: "full";
      /** Which copy of an octet holds. */
      readonly keep: "first" | "last";
      /** The stream is read until one message is whole, or again with every octet that changes. */
      readonly verdict: "first-message" | "every-change";
      /** Packets with data that it is made from. Default: all. */
      readonly packetsMax?: number;
    }
  /** What the server itself will read. */
  | { readonly kind: "server" };

/** When a box begins to follow a connection, and what makes it lose the place. */
export interface CreationAxis {
  /** "any": a SYN, or where none was seen the first data; "syn": a SYN alone, whose payload is not looked at. */
  readonly opens: "any" | "syn";
  /** What a later SYN of the same ports does. */
  readonly syn: "reopens" | "reopens-when-answered" | "nothing";
  /** A segment with the ACK flag alone and no data moves the place to its own number. */
  readonly ack?: "moves" | "moves-when-elsewhere";
  readonly end?: EndAxis;
}

/** What of the client ends a box's watch. */
export interface EndAxis {
  readonly flags: readonly ("R" | "RA" | "F" | "FA")[];
  /** "box": anything anywhere; "tuple": of this connection; "place": with the number of the next octet. */
  readonly must: "box" | "tuple" | "place";
  /**
   * "forgets": the connection is let go · "moves": the next packet tells the place and is read · "skips": the next one
   * that stands at the place tells it and is not read.
   */
  readonly does: "forgets" | "moves" | "skips";
}

/** What a box discards as the server will. */
export type Validation =
  /** Wrong IPv4 and TCP checksums. */
  | "checksum"
  /** A hop limit that ends before the server. */
  | "hops"
  /** Octets outside of the server's window. */
  | "window"
  /** Acknowledgements of what the server did not send, and no ACK flag. */
  | "ack"
  /** Time stamps from before the last one. */
  | "timestamps"
  /** IP fragments are put together first. */
  | "fragments";

/** What a box finds names in. */
export type ParserAxis =
  /** The listed names as plain octets, in any case, anywhere. */
  | { readonly kind: "octets" }
  | {
      readonly kind: "messages";
      /** Records of a ClientHello that are joined; 0: TLS is not read. */
      readonly tlsRecords: number;
      /** "no": HTTP is not read; "as-sent": only a header spelled `Host: `. */
      readonly http: "no" | "any-case" | "as-sent";
      /** Only TCP headers of 20 octets are read. Default false. */
      readonly plainHeaders?: boolean;
    };

/** A packet that a box makes. */
export type Forgery =
  | {
      readonly kind: "reset";
      readonly to: "client" | "server";
      readonly times: number;
      readonly ack: boolean;
      /**
       * Where it stands for the server: at the octet that it expects, as far as the box knows, or at the first octet or
       * behind the last one of the packet that was seen.
       */
      readonly at: "expected" | "start" | "end";
      /** IPv4 identification; "random": seeded. Default 1. */
      readonly id?: number | "random";
      /** Default true. */
      readonly dontFragment?: boolean;
      /** Its window field. Default 64240. */
      readonly window?: number;
      /** Octets that it carries. Default none. */
      readonly payload?: readonly number[];
    }
  /** An HTTP answer to the client that sends it elsewhere, with FIN. */
  | { readonly kind: "page"; readonly id: number };

export interface ReactionAxis {
  /** What happens to the packet, and to all later ones of the connection; "outbound": to the client's alone. */
  readonly keeps: "nothing" | "outbound" | "both";
  readonly sends: readonly Forgery[];
  /** What becomes of the server's octets of a connection that was caught. Default: nothing. */
  readonly answer?: AnswerLimit;
}

/**
 * "freezes": everything behind so many octets is dropped; "slows": what goes beyond this rate is dropped, as from a
 * bucket that holds so many octets.
 */
export type AnswerLimit =
  | { readonly kind: "freezes"; readonly afterBytes: number }
  | { readonly kind: "slows"; readonly bytesPerSecond: number; readonly bucketBytes: number };

/** What is punished after a hit, and for how long. */
export interface ResidualAxis {
  /** "three-tuple": addresses and the server's port; "client": everything of this client; "hosts": of both. */
  readonly scope: "three-tuple" | "client" | "hosts";
  /** Infinity: until the box starts anew. */
  readonly ms: number;
}

export type UdpAxis =
  | { readonly kind: "passes" }
  /** The listed names as plain octets. */
  | { readonly kind: "octets" }
  /** Names in the first Initial of a flow. */
  | {
      readonly kind: "quic";
      /** Only flows whose source port is the greater one. */
      readonly fromGreaterPort: boolean;
      /** How long a flow counts as seen, milliseconds. */
      readonly flowMs: number;
      /** How long the client's datagrams to that address and port are kept after a hit, milliseconds. */
      readonly residualMs: number;
    }
  /** Questions for listed names to this port are answered with an address of the box's own. */
  | { readonly kind: "dns"; readonly port: number; readonly address: string };

/** What a box does with those of whom it knows nothing bad. */
export type PolicyAxis =
  | { readonly kind: "block-list" }
  /** On these ports one of the first packets with data must look like a known protocol. */
  | { readonly kind: "protocols"; readonly ports: readonly number[]; readonly packets: number; readonly ms: number }
  /** A connection whose first data looks like no known protocol stands still after so many octets of the server. */
  | { readonly kind: "freeze"; readonly afterBytes: number }
  /** Names that are not on the list of allowed ones, and messages without a name, are blocked. */
  | { readonly kind: "allow-list" };

export interface Axes {
  readonly position: PositionAxis;
  readonly state: StateAxis;
  readonly creation: CreationAxis;
  readonly validation: readonly Validation[];
  readonly parser: ParserAxis;
  readonly reaction: ReactionAxis;
  readonly residual?: ResidualAxis;
  readonly udp: UdpAxis;
  readonly policy: PolicyAxis;
  /** A hello that lies whole outside of the window is itself an offence. Default false. */
  readonly bansStrayHellos?: boolean;
}

/** What stands behind most models: a box in the path that follows every connection and drops what it must. */
export const PLAIN_AXES = {
  position: "in-path",
  creation: { opens: "any", syn: "reopens" },
  validation: [],
  parser: { kind: "messages", tlsRecords: 1, http: "any-case" },
  reaction: { keeps: "both", sends: [] },
  udp: { kind: "passes" },
  policy: { kind: "block-list" },
} as const satisfies Partial<Axes>;

/** "rst": both sides are told that the other one ended the connection. */
export const RESET_BOTH: readonly Forgery[] = [
  { kind: "reset", to: "client", times: 1, ack: true, at: "expected" },
  { kind: "reset", to: "server", times: 1, ack: false, at: "expected" },
];

/** The window field that scapy writes where nobody says one: Geneva's boxes are made with it. */
export const SCAPY_WINDOW = 8192;
