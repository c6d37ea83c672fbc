// Geneva's published strategies in our notation, and what its sources say of them.
import { evasionCell, type EngineRig, galleryColumns, GENEVA_NAMES } from "@bunnel/lab";

export interface GenevaClaim {
  /** As Geneva writes it. */
  readonly dna: string;
  /** In our notation; undefined: it cannot be written. */
  readonly strategy?: string;
  /** Why not, or what differs. */
  readonly note?: string;
  /** Hypotheses that it passes, by Geneva's library of lab strategies. */
  readonly passes: readonly string[];
  /** Others that its own packets pass here, and why. */
  readonly also?: { readonly passes: readonly string[]; readonly why: string };
}

const NO_BARE_ACK = "bare ACKs of the client are not touched";
const NO_DROP = "answers of the server's side are not dropped";
const NO_SYN = "no SYN is sent inside of a connection";

/** `LAB_STRATEGIES` of Geneva's library.py, and what its censors.txt says of hypothesis 10. */
export const GENEVA_CLAIMS: readonly GenevaClaim[] = [
  {
    dna: "[TCP:flags:A]-tamper{TCP:flags:replace:F}-|",
    note: NO_BARE_ACK,
    passes: ["6", "7", "8"],
    also: {
      passes: ["10", "11"],
      why: "which take a FIN at its place for an end too and skip what follows; the library's list does not name them",
    },
  },
  {
    dna: "[TCP:flags:A]-duplicate(tamper{TCP:seq:corrupt}(tamper{TCP:flags:replace:R},),)-|",
    strategy: "tls: rst(badseq)",
    passes: ["6", "7"],
  },
  {
    dna: "[TCP:flags:A]-duplicate(tamper{TCP:flags:replace:R}(tamper{TCP:chksum:corrupt},),)-|",
    strategy: "tls: rst(badsum)",
    passes: ["6", "7", "8", "8b"],
  },
  { dna: "\\/ [TCP:dataofs:5]-drop-|", note: NO_DROP, passes: ["2"] },
  { dna: "\\/ [TCP:flags:R]-drop-|", note: NO_DROP, passes: ["2"] },
  { dna: "\\/ [TCP:window:8192]-drop-|", note: NO_DROP, passes: ["2"] },
  {
    dna: "[TCP:flags:A]-duplicate(…R, wrong checksum…,duplicate(…S, wrong checksum…,))-|",
    note: NO_SYN,
    passes: ["1", "2", "3", "5", "6", "7", "8", "8b", "9"],
  },
  {
    dna: "[TCP:flags:A]-duplicate(…R, wrong checksum…,duplicate(…S, other number, wrong checksum…,))-|",
    note: NO_SYN,
    passes: ["1", "2", "3", "5", "6", "7", "8", "8b", "9"],
  },
  {
    dna: "[TCP:flags:A]-tamper{TCP:dataofs:replace:0}-|",
    note: NO_BARE_ACK,
    passes: ["1", "2", "3", "5", "9", "10"],
  },
  {
    dna: "[TCP:flags:A]-duplicate(tamper{TCP:dataofs:replace:0},)-|",
    note: NO_BARE_ACK,
    passes: ["1", "2", "3", "5", "9", "10"],
  },
];

export interface GenevaField {
  readonly dna: string;
  readonly strategy?: string;
  readonly note?: string;
  /** Share of successes in China, Kazakhstan and India, as published. */
  readonly success: string;
}

const OPTION = "TCP options are not invented";
const LENGTH = "the IP length is not changed";
const FLAGS = "these flags are not set together";
const OFFSET = "our dataofs is below five words, not above; the nearest is a fake without it";
const ACK = "a wrong acknowledgement alone is not enough: Linux reads what it expects next before it looks at that";
const STREAM_MIDDLE = "there is no point for the middle of a message; midsld is the nearest";

/** Geneva's strategies.md: what was measured in three countries in 2019. */
export const GENEVA_FIELD: readonly GenevaField[] = [
  field("duplicate(tamper{TCP:dataofs:replace:10}(tamper{TCP:chksum:corrupt},),)", "98/100/0", OFFSET),
  field("duplicate(tamper{TCP:dataofs:replace:10}(tamper{IP:ttl:replace:10},),)", "98/100/0", OFFSET),
  field("duplicate(tamper{TCP:dataofs:replace:10}(tamper{TCP:ack:corrupt},),)", "94/100/0", OFFSET),
  field("duplicate(tamper{TCP:options-wscale:corrupt}(tamper{TCP:dataofs:replace:8},),)", "98/100/0", OPTION),
  field("duplicate(tamper{TCP:load:corrupt}(tamper{TCP:chksum:corrupt},),)", "80/100/0", "", "fake(random, badsum)"),
  field("duplicate(tamper{TCP:load:corrupt}(tamper{IP:ttl:replace:8},),)", "98/100/0", "", "fake(random, ttl=4)"),
  field("duplicate(tamper{TCP:load:corrupt}(tamper{TCP:ack:corrupt},),)", "87/100/0", ACK),
  {
    dna: "[TCP:flags:S]-duplicate(,tamper{TCP:load:corrupt})-|",
    strategy: "syn: syndata(zeros)",
    note: "ours puts the payload on the one SYN that there is",
    success: "3/100/0",
  },
  field("duplicate(tamper{IP:len:replace:64},)", "3/0/100", LENGTH),
  reset("R", "chksum:corrupt", "95/0/0", "rst(badsum)"),
  reset("R", "ttl:replace:10", "87/0/0", "rst(ttl=4)"),
  reset("R", "options-md5header:corrupt", "86/0/0", "rst(md5sig)"),
  reset("RA", "chksum:corrupt", "80/0/0", "rst(ack, badsum)"),
  reset("RA", "ttl:replace:10", "94/0/0", "rst(ack, ttl=4)"),
  reset("R", "options-md5header:corrupt, again", "94/0/0", "rst(md5sig)"),
  reset("FRAPUEN", "chksum:corrupt", "89/0/0"),
  reset("FREACN", "ttl:replace:10", "96/0/0"),
  reset("FRAPUN", "options-md5header:corrupt", "94/0/0"),
  {
    dna: "[TCP:flags:PA]-fragment{tcp:8:False}-| [TCP:flags:A]-tamper{TCP:seq:corrupt}-|",
    strategy: "tls: split(8) disorder",
    note: "without the second part: bare ACKs are not touched",
    success: "94/100/100",
  },
  field("fragment{tcp:8:True}(,fragment{tcp:4:True})", "98/100/100", "", "split(8, 12)"),
  field("fragment{tcp:-1:True}", "3/100/100", STREAM_MIDDLE, "split(midsld)"),
  field("duplicate(tamper{TCP:flags:replace:F}(tamper{IP:len:replace:78},),)", "53/0/100", LENGTH),
  {
    dna: "[TCP:flags:S]-duplicate(tamper{TCP:flags:replace:SA},)-|",
    strategy: "syn: synack",
    success: "3/100/0",
  },
  field("tamper{TCP:options-uto:corrupt}", "3/0/100", OPTION),
];

/** A tree on the packet with the message. */
function field(tree: string, success: string, note: string, techniques?: string): GenevaField {
  return {
    dna: `[TCP:flags:PA]-${tree}-|`,
    success,
    ...(note !== "" && { note }),
    ...(techniques !== undefined && { strategy: `tls: ${techniques}` }),
  };
}

/** A reset behind the handshake's ACK. */
function reset(flags: string, damage: string, success: string, techniques?: string): GenevaField {
  return {
    dna: `[TCP:flags:A]-duplicate(,tamper{TCP:flags:replace:${flags}}(tamper{${damage}},))-|`,
    success,
    ...(techniques === undefined ? { note: FLAGS } : { strategy: `tls: ${techniques}` }),
  };
}

export interface GenevaResult {
  /** Hypotheses that the strategy passes here. */
  readonly passes: readonly string[];
}

/** What a strategy does against the twelve hypotheses. */
export function genevaResult(rig: EngineRig, strategy: string): GenevaResult {
  const passes = galleryColumns(GENEVA_NAMES)
    .filter((column) => evasionCell(rig, { name: strategy, strategy }, column, {}).outcome === "served")
    .map(({ name }) => name.replace("geneva-", ""));
  return { passes };
}
