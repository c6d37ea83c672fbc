// What is tried: simple strategies, one technique or two, and those of the catalogue that ships with the profile, each
// for one kind of message. Cheapest first.
import {
  egressRefusals,
  parseStrategy,
  printClause,
  printStrategy,
  strategies,
  type Clause,
  type Kind,
} from "@bunnel/profile";
import { costOf } from "../../strategies/cost.ts";

export interface Candidate {
  /** A name of the catalogue, or the strategy itself in short. */
  readonly name: string;
  readonly kind: Kind;
  /** In canonical notation, of this one kind: "tls: split(midsld)". */
  readonly strategy: string;
  /** Who can carry it out: the packets of the application rewritten, or sockets of ours in its place. */
  readonly egress: "packet" | "stream";
  readonly cost: number;
  /** Its place among those of its kind: the cheapest has 0. */
  readonly rank: number;
}

const DECOY = "sni=www.example.org";
const AUTO = "ttl=auto-1:1-20";

/** Single techniques and pairs that beat one kind of box each; the catalogue has what its users have put together. */
const SIMPLE: readonly string[] = [
  ...["split(1)", "split(midsld)", "split(1, midsld)", "split(1, midsld) disorder", "split(midsld) disorder"].map(tls),
  ...["tlsrec(midsld)", "tlsrec(1, midsld)", "tlsrec(midsld) split(1)", "oob(midsld)", "oob(1)"].map(tls),
  ...["tlsrec(midsld) oob(midsld)"].map(tls),
  tls(`fake(${DECOY}, ${AUTO})`),
  tls(`fake(${DECOY}, md5sig)`),
  tls(`fake(${DECOY}, ts)`),
  tls(`fake(${DECOY}, badsum)`),
  tls(`fake(${DECOY}, datanoack)`),
  tls(`fake(${DECOY}, ${AUTO}) split(1, midsld) disorder`),
  tls(`fake(${DECOY}, md5sig) split(1, midsld) disorder`),
  tls("split(midsld) seqovl(midsld-1, second, pattern=tls) disorder"),
  tls(`fakedsplit(midsld, ${AUTO})`),
  tls(`hostfakesplit(host=www.example.org, midhost, ${AUTO})`),
  tls("fakeddisorder(midsld, ts)"),
  tls("ipfrag(152)"),
  tls(`rst(${AUTO}) split(1, midsld)`),
  "http: split(host+1)",
  "http: split(method+2)",
  "http: httphost(case)",
  "http: httphost(mixed, domcase)",
  "http: split(method+2, midsld) disorder",
  "http: methodeol",
  "http: hosttab",
  `http: fake(host=www.example.org, ${AUTO})`,
  `http: fake(host=www.example.org, md5sig) split(method+2, midsld) disorder`,
  "quic: fake(zeros)",
  "quic: fake(quic, sni=www.example.org)",
  "quic: udplen(+8)",
  "quic: ipfrag(8)",
];

function tls(rest: string): string {
  return `tls: ${rest}`;
}

/** What can be tried where. */
export interface Abilities {
  /** Packets of this machine can be rewritten: it takes rights and Linux. */
  readonly packets: boolean;
  /** A relay of sockets can be opened. */
  readonly streams: boolean;
}

/** The candidates for a kind of message, cheapest first; of equal strategies the first named one stands for all. */
export function candidatesFor(kind: Kind, abilities: Abilities): readonly Candidate[] {
  const found = new Map<string, Omit<Candidate, "rank">>();
  for (const [name, text] of [...SIMPLE.map((simple) => [undefined, simple] as const), ...catalogue()]) {
    const clause = parseStrategy(text).clauses.find((each) => each.kind === kind);
    // What is dropped serves nobody.
    if (clause === undefined || clause.operations.every(({ technique }) => technique === "drop")) continue;
    const strategy = printStrategy({ clauses: [clause] });
    const egress = wayOf(clause, abilities);
    if (egress === undefined || found.has(strategy)) continue;
    const cost = costOf(clause, egress === "stream");
    found.set(strategy, { name: name ?? shortName(clause), kind, strategy, egress, cost });
  }
  return [...found.values()].toSorted((a, b) => a.cost - b.cost).map((candidate, rank) => ({ ...candidate, rank }));
}

function catalogue(): readonly (readonly [string, string])[] {
  return strategies().map(({ name, strategy }) => [name, strategy]);
}

/** Packets where both can: they cost less. Undefined: nobody here can carry it out. */
function wayOf(clause: Clause, { packets, streams }: Abilities): "packet" | "stream" | undefined {
  const strategy = { clauses: [clause] };
  if (packets && egressRefusals(strategy, "packet").length === 0) return "packet";
  const isStreamKind = clause.kind === "tls" || clause.kind === "http";
  return streams && isStreamKind && egressRefusals(strategy, "stream").length === 0 ? "stream" : undefined;
}

/** The notation without its kind. */
function shortName(clause: Clause): string {
  return printClause(clause).replace(/^\w+:\s*/u, "");
}

/** Only sockets can carry it out: a rule need not say so. */
export function isStream(strategy: string): boolean {
  return egressRefusals(parseStrategy(strategy), "packet").length > 0;
}
