// The query that an upstream gets: the asker's question, flags and options, and padding (RFC 7830, RFC 8467).
import { encode, type PacketOpt } from "dns-packet";
import { Flag, HEADER_BYTES, MoreFlag, readMessage, Type, type MessageView } from "./message.ts";
import type { Query } from "./query.ts";

/** Queries are padded to a multiple of this, so that their size tells little (RFC 8467 section 4.1). */
const PADDING_BLOCK_BYTES = 128;
const PADDING = 12;
const OPTION_HEADER_BYTES = 4;
/** What is asked for by UDP: no fragments on any path (DNS flag day 2020). */
const UDP_BYTES = 1232;
const DNSSEC_OK = 0x8000;

/** How a query is asked. */
export interface AskOptions {
  readonly id: number;
  readonly padded: boolean;
}

/** The query for an upstream. The same question gives the same octets, so that caches on the way can serve it. */
export function askFor(query: Query, { id, padded }: AskOptions): Uint8Array {
  const { message, name, edns } = query;
  const question = message.octets.slice(HEADER_BYTES, message.question.end);
  question.set(name);
  let flags: number = MoreFlag.Authentic;
  if (query.recursionDesired) flags |= Flag.RecursionDesired;
  if (query.checkingDisabled) flags |= MoreFlag.CheckingDisabled;
  const dnssecOk = edns?.dnssecOk === true;
  const options = edns?.options ?? new Uint8Array(0);
  const bare = optRecord({ udpBytes: UDP_BYTES, dnssecOk, extended: 0, options });
  const bytes = HEADER_BYTES + question.length + bare.length;
  const opt = padded
    ? optRecord({ udpBytes: UDP_BYTES, dnssecOk, extended: 0, options, paddingBytes: paddingFor(bytes) })
    : bare;
  const octets = new Uint8Array(HEADER_BYTES + question.length + opt.length);
  const view = new DataView(octets.buffer);
  for (const [i, word] of [id, flags, 1, 0, 0, 1].entries()) view.setUint16(2 * i, word);
  octets.set(question, HEADER_BYTES);
  octets.set(opt, HEADER_BYTES + question.length);
  return octets;
}

function paddingFor(bytes: number): number {
  const least = bytes + OPTION_HEADER_BYTES;
  return Math.ceil(least / PADDING_BLOCK_BYTES) * PADDING_BLOCK_BYTES - least;
}

/** What stands in an OPT record (RFC 6891 section 6.1.2). */
export interface OptParts {
  readonly udpBytes: number;
  readonly dnssecOk: boolean;
  /** Upper eight bits of the rcode. */
  readonly extended: number;
  /** As they stand in a record. */
  readonly options: Uint8Array;
  readonly paddingBytes?: number;
}

/** An OPT record. */
export function optRecord({ udpBytes, dnssecOk, extended, options, paddingBytes }: OptParts): Uint8Array {
  const flags = dnssecOk ? DNSSEC_OK : 0;
  const all = splitOptions(options);
  if (paddingBytes !== undefined) all.push({ code: PADDING, data: Buffer.alloc(paddingBytes) });
  const record = {
    type: "OPT" as const,
    name: ".",
    udpPayloadSize: udpBytes,
    extendedRcode: extended,
    ednsVersion: 0,
    flags,
    flag_do: dnssecOk,
    options: all,
  };
  return new Uint8Array(encode({ additionals: [record] }).subarray(HEADER_BYTES));
}

/** Options as the library takes them: octets under a number, whatever they mean. */
function splitOptions(options: Uint8Array): PacketOpt[] {
  const all: PacketOpt[] = [];
  const view = new DataView(options.buffer, options.byteOffset, options.byteLength);
  for (let at = 0; at + OPTION_HEADER_BYTES <= options.length;) {
    const end = at + OPTION_HEADER_BYTES + view.getUint16(at + 2);
    // The library's type lists the numbers that it has names for; it takes any.
    const code = view.getUint16(at) as PacketOpt["code"];
    all.push({ code, data: Buffer.from(options.subarray(at + OPTION_HEADER_BYTES, end)) } as PacketOpt);
    at = end;
  }
  return all;
}

/** The answer to what was asked; undefined: it is not one, whatever it is. */
export function readAnswer(octets: Uint8Array, asked: Uint8Array): MessageView | undefined {
  const answer = readMessage(octets);
  const question = readMessage(asked);
  if (answer === undefined || question === undefined) return undefined;
  if ((answer.flags & Flag.Response) === 0 || answer.opcode !== 0 || answer.id !== question.id) return undefined;
  const { end } = question.question;
  if (answer.question.end !== end) return undefined;
  // An upstream may write the name with other letters' case.
  for (let at = HEADER_BYTES; at < end; at++) {
    if (lower(octets[at] ?? 0) !== lower(asked[at] ?? 0)) return undefined;
  }
  const opts = answer.records.filter(({ type }) => type === Type.Opt);
  return opts.length > 1 ? undefined : answer;
}

function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}
