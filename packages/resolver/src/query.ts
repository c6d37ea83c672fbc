// What somebody asks: a query that can be put to an upstream, or what is wrong with it.
import { Flag, hostText, lowerName, MoreFlag, Rcode, readMessage, Type, type MessageView } from "./message.ts";

/** EDNS of a query (RFC 6891). */
export interface Edns {
  /** Octets of an answer by UDP that the asker takes. */
  readonly udpBytes: number;
  /** The DO bit: signatures are wanted (RFC 3225). */
  readonly dnssecOk: boolean;
  /** Those options that an upstream is to see, as they stand in the record. */
  readonly options: Uint8Array;
}

/** A query that makes sense. */
export interface Query {
  readonly message: MessageView;
  /** Lower-case octets of the name. */
  readonly name: Uint8Array;
  /** The name as text, where it is a host's. */
  readonly host: string | undefined;
  readonly type: number;
  readonly edns: Edns | undefined;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  /** Whether the asker understands the AD bit of an answer (RFC 6840 section 5.7). */
  readonly wantsAuthentic: boolean;
  /** Equal for queries that the same answer fits. */
  readonly key: string;
}

/** A query that is answered with an error, by header alone. */
export interface Refusal {
  readonly rcode: number;
  readonly octets: Uint8Array;
}

const OPT_FIXED_AT = 11;
const DNSSEC_OK = 0x8000;

/** Between one asker and us, not for an upstream: cookies, keep-alive, padding (RFC 7873, 7828, 7830). */
const HOP_OPTIONS: readonly number[] = [10, 11, 12];

/** Reads a query. Undefined: nothing that anybody should answer, such as an answer or half a header. */
export function readQuery(octets: Uint8Array): Query | Refusal | undefined {
  if (octets.length < 4 || ((octets[2] ?? 0) & 0x80) !== 0) return undefined;
  if (octets.length < 12) return undefined;
  const message = readMessage(octets);
  const opcode = ((octets[2] ?? 0) >> 3) & 0xf;
  if (opcode !== 0) return { rcode: Rcode.NotImp, octets };
  if (message === undefined || message.records.some(({ section }) => section !== "additional")) {
    return { rcode: Rcode.FormErr, octets };
  }
  const { question, records } = message;
  const opts = records.filter(({ type }) => type === Type.Opt);
  const [opt] = opts;
  // One, with the root for its name (RFC 6891 section 6.1.1).
  if (opts.length > 1 || (opt !== undefined && opt.dataAt - opt.at !== OPT_FIXED_AT)) {
    return { rcode: Rcode.FormErr, octets };
  }
  // No zone leaves by HTTPS (RFC 8484 section 5.1 speaks of one message for one).
  if (question.type === Type.Axfr || question.type === Type.Ixfr) return { rcode: Rcode.NotImp, octets };
  const version = opt === undefined ? 0 : message.view.getUint8(opt.ttlAt + 1);
  if (version !== 0) return { rcode: Rcode.BadVers, octets };
  const options = opt === undefined ? undefined : optionsOf(octets, message.view, opt.dataAt, opt.end);
  if (opt !== undefined && options === undefined) return { rcode: Rcode.FormErr, octets };
  const edns = opt && {
    udpBytes: opt.cls,
    dnssecOk: (message.view.getUint16(opt.ttlAt + 2) & DNSSEC_OK) !== 0,
    options: options ?? new Uint8Array(0),
  };
  return describe(message, edns);
}

function describe(message: MessageView, edns: Edns | undefined): Query {
  const { flags, question } = message;
  const name = lowerName(message);
  const recursionDesired = (flags & Flag.RecursionDesired) !== 0;
  const checkingDisabled = (flags & MoreFlag.CheckingDisabled) !== 0;
  const dnssecOk = edns?.dnssecOk === true;
  const marks = `${recursionDesired ? "r" : ""}${checkingDisabled ? "c" : ""}${dnssecOk ? "d" : ""}`;
  const options = edns === undefined ? "" : edns.options.toHex();
  return {
    message,
    name,
    host: hostText(name),
    type: question.type,
    edns,
    recursionDesired,
    checkingDisabled,
    wantsAuthentic: dnssecOk || (flags & MoreFlag.Authentic) !== 0,
    key: `${name.toHex()} ${question.type} ${question.cls} ${marks} ${options}`,
  };
}

/** The options without those of one hop; undefined: one of them reaches behind the end. */
function optionsOf(octets: Uint8Array, view: DataView, from: number, to: number): Uint8Array | undefined {
  const kept: number[] = [];
  for (let at = from; at < to;) {
    if (at + 4 > to) return undefined;
    const end = at + 4 + view.getUint16(at + 2);
    if (end > to) return undefined;
    if (!HOP_OPTIONS.includes(view.getUint16(at))) kept.push(...octets.subarray(at, end));
    at = end;
  }
  return Uint8Array.from(kept);
}
