// What is proven of each technique, and where. The tests of test/docs hold this list to the proofs themselves.

/** A law that a technique is held to; the words stand in the table's head. */
export const LAWS = ["endpoint", "retransmission", "linux", "udp"] as const;
export type Law = (typeof LAWS)[number];

export interface TechniqueEntry {
  /** Its word in the notation, and the name of its golden page. */
  readonly word: string;
  /** The kinds of message that it is for. */
  readonly kinds: readonly ("tls" | "http" | "quic" | "dns" | "syn")[];
  /** Laws that it does not keep as they stand, or that do not apply, each with the reason. */
  readonly except?: Partial<Readonly<Record<Law, string>>>;
  /** What its user has to know. */
  readonly caution?: string;
}

const STREAM = ["tls", "http"] as const;
const ALL = ["tls", "http", "quic", "dns", "syn"] as const;
const ONE_DATAGRAM = "a datagram is never sent again by the kernel; a new one is planned anew";

export const TECHNIQUES: readonly TechniqueEntry[] = [
  { word: "split", kinds: STREAM },
  { word: "disorder", kinds: STREAM },
  {
    word: "fake",
    kinds: [...STREAM, "quic", "dns"],
    caution:
      "`ts` works while the connection was not silent for longer than the shift (ten minutes unless told otherwise): " +
      "an older stamp is new to an endpoint that has seen none since. `badseq` with numbers of your own must lie " +
      "outside of the window with all its octets.",
  },
  {
    word: "seqovl",
    kinds: STREAM,
    caution:
      "The octets before the first piece are trimmed because the endpoint has what lies there: the message has to be " +
      "the first of its connection, or the one before it acknowledged. `second` relies on endpoints that keep what " +
      "they deliver first, as Linux does and Windows does not, and on the engine's memory of the message (8 s, 48 " +
      "messages) when the first piece is lost.",
  },
  { word: "fakedsplit", kinds: STREAM },
  { word: "hostfakesplit", kinds: STREAM },
  {
    word: "syndata",
    kinds: ["syn"],
    except: { endpoint: "the SYN carries octets that a server without TCP Fast Open does not read" },
  },
  {
    word: "synack",
    kinds: ["syn"],
    caution: "Without damage the server answers with an RST, which the client discards; address translation may not.",
  },
  { word: "rst", kinds: STREAM },
  { word: "window", kinds: [...STREAM, "syn"] },
  { word: "mss", kinds: ["syn"] },
  {
    word: "httphost",
    kinds: ["http"],
    except: { endpoint: "changes octets that mean the same; the request keeps its length and its meaning" },
    caution:
      "A request of more than 8192 octets is not remembered: a part that begins inside its head, sent again by " +
      "itself, leaves unchanged.",
  },
  {
    word: "udplen",
    kinds: ["quic", "dns"],
    except: { endpoint: "changes the payload on purpose", retransmission: ONE_DATAGRAM },
  },
  {
    word: "ipfrag",
    kinds: ALL,
    caution: "Routers and firewalls drop fragments often, those of TCP nearly always.",
  },
  {
    word: "drop",
    kinds: ALL,
    except: {
      endpoint: "the packet goes nowhere on purpose",
      retransmission: "a retransmission goes nowhere either",
      linux: "nothing arrives",
    },
  },
  {
    word: "doh",
    kinds: ["dns"],
    except: {
      endpoint: "the host answers in the server's place",
      retransmission: "a query sent again is answered again",
      udp: "nothing arrives; the answer is tested with a real resolver in test/e2e",
    },
  },
  {
    word: "redirect",
    kinds: ["dns"],
    except: {
      endpoint: "the host answers in the server's place",
      retransmission: "a query sent again is answered again",
      udp: "nothing arrives; the answer is tested with a real resolver in test/e2e",
    },
  },
  { word: "ipid", kinds: ALL },
  { word: "dup", kinds: ALL },
  { word: "delay", kinds: ALL },
  {
    word: "ttl",
    kinds: ALL,
    caution: "A hop limit that is too small for the path ends the message on the way.",
  },
  { word: "tos", kinds: ALL },
];

const DATAGRAMS: readonly string[] = ["quic", "dns"];

/** Whether the technique is for messages over UDP, or over TCP. */
export function isOver(transport: "tcp" | "udp", { kinds }: TechniqueEntry): boolean {
  return kinds.some((kind) => DATAGRAMS.includes(kind) === (transport === "udp"));
}

/** Techniques that change how many octets a stream has: at packet level every later number would be wrong. */
export const STREAM_ONLY: readonly (readonly [word: string, does: string])[] = [
  ["tlsrec", "cuts the record of the hello into several"],
  ["oob", "sends an octet out of band (URG) that a box reads and the server does not"],
  ["disoob", "oob with the pieces in another order"],
  ["hostpad", "pads the HTTP head so that the host comes late"],
  ["hostdot", "puts a dot behind the host"],
  ["hosttab", "puts a tab behind the host"],
  ["methodspace", "puts a second space behind the method"],
  ["methodeol", "puts an empty line before the method"],
];
