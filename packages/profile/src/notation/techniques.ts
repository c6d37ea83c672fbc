// The words of the notation for techniques: which kinds each is for, other names of some, and those that need stream
// egress.
import { KINDS, type Kind } from "./kinds.ts";
import type { PacketTechniqueName, TechniqueName } from "./strategy.ts";
import type { StreamOperation } from "./stream-operations.ts";

const STREAM = ["tls", "http"] as const satisfies readonly Kind[];
const DATAGRAM = ["quic", "dns"] as const satisfies readonly Kind[];

/**
 * The techniques that packets can carry out, in the order in which messages list them, and the kinds that each is for.
 */
export const TECHNIQUE_KINDS: Readonly<Record<PacketTechniqueName, readonly Kind[]>> = {
  split: STREAM,
  disorder: STREAM,
  fake: [...STREAM, ...DATAGRAM],
  seqovl: STREAM,
  fakedsplit: STREAM,
  hostfakesplit: STREAM,
  syndata: ["syn"],
  synack: ["syn"],
  rst: STREAM,
  window: [...STREAM, "syn"],
  mss: ["syn"],
  httphost: ["http"],
  udplen: DATAGRAM,
  ipfrag: KINDS,
  drop: KINDS,
  ipid: KINDS,
  dup: KINDS,
  delay: KINDS,
  ttl: KINDS,
  tos: KINDS,
  doh: ["dns"],
  redirect: ["dns"],
};

/** Names that mean a technique, or a technique and `disorder` behind it. */
export const ALIASES = {
  multisplit: { technique: "split", disorder: false },
  multidisorder: { technique: "split", disorder: true },
  fakeddisorder: { technique: "fakedsplit", disorder: true },
  disoob: { technique: "oob", disorder: true },
} as const satisfies Readonly<Record<string, { readonly technique: TechniqueName; readonly disorder: boolean }>>;
export type Alias = keyof typeof ALIASES;

/** Techniques that change how many octets a stream has: they need stream egress. */
export const STREAM_TECHNIQUE_KINDS: Readonly<Record<StreamOperation["technique"], readonly Kind[]>> = {
  tlsrec: ["tls"],
  oob: STREAM,
  hostpad: ["http"],
  hostdot: ["http"],
  hosttab: ["http"],
  methodspace: ["http"],
  methodeol: ["http"],
};

/** Every technique of either sort. */
export const ALL_TECHNIQUE_KINDS: Readonly<Record<TechniqueName, readonly Kind[]>> = {
  ...TECHNIQUE_KINDS,
  ...STREAM_TECHNIQUE_KINDS,
};

export function isStreamTechnique(name: TechniqueName): name is StreamOperation["technique"] {
  return Object.hasOwn(STREAM_TECHNIQUE_KINDS, name);
}

/** What users of other tools call things that stand here under another word. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  wsize: "window(N)",
  wssize: "syn: window(N, scale=N)",
  ipfrag1: "ipfrag(hopbyhop)",
  ipfrag2: "ipfrag(N)",
  hopbyhop: "ipfrag(hopbyhop)",
  rstack: "rst(ack)",
  hostcase: "httphost(case)",
  hostspell: "httphost(mixed)",
  hostnospace: "httphost(nospace)",
  domcase: "httphost(domcase)",
  unixeol: "httphost(unixeol)",
  autottl: "ttl=auto-1 within a fake",
};

/** The same for parameters: what is meant, and what stands in the form of the parameter that it is. */
export const PARAMETERS_ELSEWHERE: Readonly<Record<string, readonly [meant: string, form: string]>> = {
  rnd: ["random", "random"],
  seqgroup: ["group", "group"],
  repeats: ["x6", "x1.."],
  autottl: ["ttl=auto-1", "ttl=auto"],
  badack: ["badseq=-10000/-66000", "badseq"],
  pastseq: ["badseq", "badseq"],
};

/** The techniques of a kind. */
export function techniquesOf(kind: Kind): readonly TechniqueName[] {
  return BY_KIND[kind];
}

const BY_KIND = Object.fromEntries(
  KINDS.map((kind) => {
    const names = (Object.keys(ALL_TECHNIQUE_KINDS) as TechniqueName[]).filter((name) =>
      ALL_TECHNIQUE_KINDS[name].includes(kind),
    );
    return [kind, Object.freeze(names)];
  }),
) as Readonly<Record<Kind, readonly TechniqueName[]>>;

export function isAlias(word: string): word is Alias {
  return Object.hasOwn(ALIASES, word);
}
