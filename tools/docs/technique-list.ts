// What is proven of each technique, and where. The tests of test/docs hold this list to the proofs themselves.

/** A law that a technique is held to; the words stand in the table's head. */
export const LAWS = ["endpoint", "retransmission", "linux", "udp"] as const;
export type Law = (typeof LAWS)[number];

/** What a technique that changes something on purpose is held to instead, and by which test. */
export interface OwnLaw {
  readonly says: string;
  readonly file: string;
  readonly test: string;
}

export interface TechniqueEntry {
  /** Its word in the notation, and the name of its golden page. */
  readonly word: string;
  /** The kinds of message that it is for. */
  readonly kinds: readonly ("tls" | "http" | "quic" | "dns" | "syn")[];
  /** Laws in the place of which it has one of its own. */
  readonly own?: Partial<Readonly<Record<Law, OwnLaw>>>;
  /** What its user has to know. */
  readonly caution?: string;
}

const STREAM = ["tls", "http"] as const;
const ALL = ["tls", "http", "quic", "dns", "syn"] as const;

/** How a test of one of these suites holds a technique to a law of its own. */
const ownLaw =
  (file: string) =>
  (says: string, test: string): OwnLaw => ({ says, file, test });
const byRequests = ownLaw("test/engine/http-trick.test.ts");
const byDatagrams = ownLaw("test/engine/datagrams.test.ts");
const byAnswers = ownLaw("test/engine/answered.test.ts");
const byLinux = ownLaw("test/receiver/linux.test.ts");

const ANSWERED_AGAIN = byAnswers(
  "a query sent again is answered again",
  "a query that is sent again is answered again",
);
const NOTHING_AGAIN = byLinux(
  "nothing arrives, of a retransmission neither",
  "drop: nothing of the message arrives, nor of what is sent again, and the connection stays open",
);

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
    caution:
      "A server with TCP Fast Open that asks for no cookie (0x200 in `net.ipv4.tcp_fastopen`) reads what the SYN " +
      "carries.",
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
    own: {
      endpoint: byRequests(
        "the request keeps its length and its meaning",
        "the request means the same and has the same length",
      ),
      retransmission: byRequests(
        "one and the same changed request is read",
        "with other techniques, loss and retransmissions in parts one and the same changed request is read",
      ),
    },
    caution:
      "A request of more than 8192 octets is not remembered: a part that begins inside its head, sent again by " +
      "itself, leaves unchanged.",
  },
  {
    word: "udplen",
    kinds: ["quic", "dns"],
    own: {
      endpoint: byDatagrams(
        "octets come behind the payload or go from its end, and no other",
        "udplen: octets are added behind the payload or taken from its end, and the lengths say so",
      ),
      retransmission: byDatagrams(
        "a datagram that an application sends again is changed in the same way",
        "udplen: a datagram that is sent again is changed in the same way",
      ),
    },
  },
  {
    word: "ipfrag",
    kinds: ALL,
    caution: "Routers and firewalls drop fragments often, those of TCP nearly always.",
  },
  {
    word: "drop",
    kinds: ALL,
    own: {
      endpoint: byDatagrams(
        "every packet goes nowhere, and is counted",
        "drop: every packet of the kind goes nowhere, and is counted",
      ),
      retransmission: NOTHING_AGAIN,
      linux: NOTHING_AGAIN,
    },
  },
  {
    word: "doh",
    kinds: ["dns"],
    own: {
      endpoint: byAnswers(
        "no query leaves: the host answers it",
        "with doh no packet leaves, and no resolver is named",
      ),
      retransmission: ANSWERED_AGAIN,
    },
  },
  {
    word: "redirect",
    kinds: ["dns"],
    own: {
      endpoint: byAnswers(
        "no query leaves: the host answers it by the resolver that stands before it",
        "with redirect(%s) the resolver stands before the packet",
      ),
      retransmission: ANSWERED_AGAIN,
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
