// An answer as it is kept, and as each asker gets it: octet for octet what the upstream sent, with the asker's
// identification, letters' case, flags and EDNS, and lifetimes that have gone on counting down.
import { optRecord } from "./ask.ts";
import { Flag, HEADER_BYTES, MoreFlag, Rcode, Type, type MessageView } from "./message.ts";
import type { Query, Refusal } from "./query.ts";

/** Octets of an answer by UDP where the asker says nothing else (RFC 1035 section 4.2.1), and what we take by UDP. */
export const UDP_PLAIN_BYTES = 512;
const OUR_UDP_BYTES = 1232;
/** More than this by UDP would travel in fragments somewhere, even where the asker takes it. */
export const UDP_MAX_BYTES = 4096;

/** Extended errors (RFC 8914): the one option of an answer that is for whoever asked in the end. */
const EXTENDED_ERROR = 15;
const RCODE_BITS = 0x000f;

/** An upstream's answer without its EDNS, and where its lifetimes stand. */
export interface KeptAnswer {
  readonly octets: Uint8Array;
  readonly rcode: number;
  readonly ttlsAt: readonly number[];
  /** Where the additional records start. */
  readonly additionalAt: number;
  readonly additionalCount: number;
  /** Options that go on to the asker. */
  readonly options: Uint8Array;
}

/** Takes an answer over. Additional records behind EDNS are left out: they are additional. */
export function keep(answer: MessageView): KeptAnswer {
  const opt = answer.records.find(({ type }) => type === Type.Opt);
  const records = answer.records.filter(({ at }) => opt === undefined || at < opt.at);
  const octets = answer.octets.slice(0, opt?.at ?? answer.octets.length);
  const additional = records.filter(({ section }) => section === "additional");
  new DataView(octets.buffer).setUint16(10, additional.length);
  const extended = opt === undefined ? 0 : answer.view.getUint8(opt.ttlAt);
  return {
    octets,
    rcode: (extended << 4) | answer.rcode,
    ttlsAt: records.map(({ ttlAt }) => ttlAt),
    additionalAt: additional[0]?.at ?? octets.length,
    additionalCount: additional.length,
    options: opt === undefined ? new Uint8Array(0) : extendedErrors(answer.octets.subarray(opt.dataAt, opt.end)),
  };
}

function extendedErrors(options: Uint8Array): Uint8Array {
  const view = new DataView(options.buffer, options.byteOffset, options.byteLength);
  for (let at = 0; at + 4 <= options.length;) {
    const end = at + 4 + view.getUint16(at + 2);
    if (end > options.length) break;
    if (view.getUint16(at) === EXTENDED_ERROR) return options.slice(at, end);
    at = end;
  }
  return new Uint8Array(0);
}

/** The answer for this asker, `ageSeconds` after it came. */
export function answerTo(query: Query, kept: KeptAnswer, ageSeconds: number): Uint8Array {
  const opt = optFor(query, kept.rcode, kept.options);
  const octets = new Uint8Array(kept.octets.length + opt.length);
  octets.set(kept.octets);
  octets.set(opt, kept.octets.length);
  octets.set(query.message.octets.subarray(HEADER_BYTES, query.message.question.end), HEADER_BYTES);
  const view = new DataView(octets.buffer);
  const theirs = view.getUint16(2);
  let flags = theirs & (Flag.Authoritative | MoreFlag.RecursionAvailable);
  if (query.wantsAuthentic) flags |= theirs & MoreFlag.Authentic;
  view.setUint16(0, query.message.id);
  view.setUint16(2, flags | flagsOf(query) | rcodeFor(query, kept.rcode));
  for (const at of kept.ttlsAt) view.setUint32(at, Math.max(0, view.getUint32(at) - ageSeconds));
  if (opt.length > 0) view.setUint16(10, kept.additionalCount + 1);
  return octets;
}

/** An error of our own. */
export function failureTo(query: Query, rcode: number): Uint8Array {
  const opt = optFor(query, rcode, new Uint8Array(0));
  const { end } = query.message.question;
  const octets = new Uint8Array(end + opt.length);
  octets.set(query.message.octets.subarray(0, end));
  octets.set(opt, end);
  const view = new DataView(octets.buffer);
  view.setUint16(2, flagsOf(query) | MoreFlag.RecursionAvailable | rcodeFor(query, rcode));
  for (const at of [6, 8]) view.setUint16(at, 0);
  view.setUint16(10, opt.length > 0 ? 1 : 0);
  return octets;
}

/** The answer to a query that cannot be read to its end: a header, and EDNS where only its version was wrong. */
export function refusalTo({ rcode, octets }: Refusal): Uint8Array {
  const isBadVersion = rcode === Rcode.BadVers;
  const opt = isBadVersion
    ? optRecord({ udpBytes: OUR_UDP_BYTES, dnssecOk: false, extended: rcode >> 4, options: new Uint8Array(0) })
    : new Uint8Array(0);
  const answer = new Uint8Array(HEADER_BYTES + opt.length);
  answer.set(octets.subarray(0, 4));
  answer.set(opt, HEADER_BYTES);
  const view = new DataView(answer.buffer);
  // Opcode and RD stay as they were (RFC 1035 section 4.1.1).
  const copied = view.getUint16(2) & (0x7800 | Flag.RecursionDesired);
  view.setUint16(2, Flag.Response | copied | (rcode & RCODE_BITS));
  view.setUint16(10, isBadVersion ? 1 : 0);
  return answer;
}

/** As much of the answer as the asker takes by UDP: whole, without additional records, or empty with the TC bit. */
export function fitUdp(query: Query, kept: KeptAnswer | undefined, answer: Uint8Array): Uint8Array {
  const asked = Math.max(UDP_PLAIN_BYTES, query.edns?.udpBytes ?? UDP_PLAIN_BYTES);
  const limit = Math.min(asked, UDP_MAX_BYTES);
  if (answer.length <= limit) return answer;
  const opt = kept === undefined ? new Uint8Array(0) : answer.subarray(kept.octets.length);
  // RFC 2181 section 9: what is only additional may be left out without a word.
  if (kept !== undefined && kept.additionalAt + opt.length <= limit) {
    return cutAt(answer, kept.additionalAt, opt, { isTruncated: false });
  }
  return cutAt(answer, query.message.question.end, opt, { isTruncated: true });
}

function cutAt(answer: Uint8Array, at: number, opt: Uint8Array, { isTruncated }: { isTruncated: boolean }): Uint8Array {
  const octets = new Uint8Array(at + opt.length);
  octets.set(answer.subarray(0, at));
  octets.set(opt, at);
  const view = new DataView(octets.buffer);
  view.setUint16(10, opt.length > 0 ? 1 : 0);
  if (!isTruncated) return octets;
  view.setUint16(2, view.getUint16(2) | Flag.Truncated);
  for (const count of [6, 8]) view.setUint16(count, 0);
  return octets;
}

function flagsOf({ recursionDesired, checkingDisabled }: Query): number {
  const flags = Flag.Response | (recursionDesired ? Flag.RecursionDesired : 0);
  return flags | (checkingDisabled ? MoreFlag.CheckingDisabled : 0);
}

/** An asker without EDNS cannot be told the upper bits. */
function rcodeFor({ edns }: Query, rcode: number): number {
  return rcode > RCODE_BITS && edns === undefined ? Rcode.ServFail : rcode & RCODE_BITS;
}

function optFor({ edns }: Query, rcode: number, options: Uint8Array): Uint8Array {
  if (edns === undefined) return new Uint8Array(0);
  return optRecord({ udpBytes: OUR_UDP_BYTES, dnssecOk: edns.dnssecOk, extended: rcode >> 4, options });
}
