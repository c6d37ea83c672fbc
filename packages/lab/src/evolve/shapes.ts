// What the search may write: the techniques of each kind of message, and the words that each takes, in slots.
import type { Scene } from "../censors/gallery.ts";
import type { SeededRandom } from "../link/random.ts";

/** A place for words of one sort within a technique's parentheses. */
export interface Slot {
  readonly least: number;
  readonly most: number;
  /** A word for it. */
  readonly make: (random: SeededRandom) => string;
}

export interface Shape {
  readonly technique: string;
  /** It acts on the SYN that opens the connection, not on the message. */
  readonly isSyn?: boolean;
  readonly slots: readonly Slot[];
}

export function oneOf<Value>(random: SeededRandom, values: readonly [Value, ...Value[]]): Value {
  return values[random.next() % values.length] ?? values[0];
}

/** The greatest hop limit that is tried. */
const TTL_MAX = 12;
const REPEATS_MAX = 6;
const POINTS = ["1", "2", "host", "host+1", "sld", "midsld", "endsld", "endhost", "-1", "40"] as const;
const DECOY = "www.example.org";

const ttl = (random: SeededRandom) => `ttl=${1 + (random.next() % TTL_MAX)}`;
const repeats: Slot = { least: 0, most: 1, make: (random) => `x${2 + (random.next() % (REPEATS_MAX - 1))}` };
const word = (text: string, least: 0 | 1 = 0): Slot => ({ least, most: 1, make: () => text });
const points = (most: number, own: readonly string[]): Slot => {
  return { least: 1, most, make: (random) => oneOf(random, [...POINTS, ...own]) };
};
const foolings: Slot = {
  least: 1,
  most: 2,
  make: (random) => {
    const made = oneOf(random, ["ttl", "ttl", "badsum", "badseq", "md5sig", "datanoack", "ts"]);
    return made === "ttl" ? ttl(random) : made;
  },
};
/** An RST is taken by its number alone, so its foolings are fewer. */
const resetFoolings: Slot = {
  least: 1,
  most: 1,
  make: (random) => (random.chance(0.6) ? ttl(random) : oneOf(random, ["badsum", "badseq", "md5sig"])),
};

const ofStream = (kind: "tls" | "http"): readonly Shape[] => {
  const name = kind === "tls" ? `sni=${DECOY}` : `host=${DECOY}`;
  const own = kind === "tls" ? ["sniext+1"] : ["method+2"];
  const content: Slot = { least: 1, most: 1, make: (random) => oneOf(random, [name, name, "zeros", "random"]) };
  const pattern: Slot = {
    least: 0,
    most: 1,
    make: (random) => oneOf(random, ["pattern=zeros", "pattern=random", `pattern=${kind}`]),
  };
  const overlap: Slot = {
    least: 1,
    most: 1,
    make: (random) => oneOf(random, ["1", "8", "64", "568", "midsld-1", "host"]),
  };
  const shapes: readonly Shape[] = [
    { technique: "split", slots: [points(4, own)] },
    { technique: "disorder", slots: [] },
    { technique: "fake", slots: [content, foolings, repeats, word("after")] },
    { technique: "seqovl", slots: [overlap, word("second"), pattern] },
    { technique: "fakedsplit", slots: [points(2, own), foolings] },
    { technique: "hostfakesplit", slots: [word(`host=${DECOY}`), word("midhost"), foolings] },
    { technique: "rst", slots: [word("ack"), resetFoolings] },
    { technique: "ipfrag", slots: [{ least: 1, most: 1, make: (random) => String(8 * (1 + (random.next() % 30))) }] },
    { technique: "dup", slots: [repeats] },
    ...OF_SYN,
  ];
  if (kind === "tls") return shapes;
  const tricks: Slot = {
    least: 1,
    most: 2,
    make: (random) => oneOf(random, ["case", "mixed", "nospace", "domcase", "unixeol"]),
  };
  return [...shapes, { technique: "httphost", slots: [tricks] }];
};

const OF_SYN: readonly Shape[] = [
  {
    technique: "syndata",
    isSyn: true,
    slots: [{ least: 1, most: 1, make: (r) => oneOf(r, ["zeros", "tls", "http"]) }],
  },
  { technique: "synack", isSyn: true, slots: [word("badsum")] },
];

const ofDatagram = (kind: "quic" | "dns"): readonly Shape[] => {
  const contents = kind === "quic" ? (["zeros", "random", "quic"] as const) : (["zeros", "random"] as const);
  return [
    { technique: "fake", slots: [{ least: 1, most: 1, make: (random) => oneOf(random, [...contents]) }, repeats] },
    { technique: "udplen", slots: [{ least: 1, most: 1, make: (random) => `+${1 + (random.next() % 64)}` }] },
    { technique: "ipfrag", slots: [{ least: 1, most: 1, make: (random) => String(8 * (1 + (random.next() % 30))) }] },
    { technique: "dup", slots: [repeats] },
  ];
};

const SHAPES: Readonly<Record<Scene["message"], readonly Shape[]>> = {
  tls: ofStream("tls"),
  http: ofStream("http"),
  quic: ofDatagram("quic"),
  dns: ofDatagram("dns"),
};

/** The techniques that the search may use for messages of a kind. */
export function shapesOf(message: Scene["message"]): readonly Shape[] {
  return SHAPES[message];
}
