// DNS queries and answers of one question, as far as a resolver and a box that forges answers need them (RFC 1035
// section 4).
import { parseAddress } from "@bunnel/wire";
import { concat, latin1 } from "./octets.ts";

const HEADER_BYTES = 12;
const TYPE_A = 1;
const CLASS_IN = 1;
const LABEL_MAX_BYTES = 63;
/** Response, recursion desired and available. */
const ANSWER_FLAGS = 0x8180;
/** A pointer to the name in the question. */
const NAME_POINTER = 0xc000 | HEADER_BYTES;
const TTL_S = 60;

export interface DnsQuestion {
  readonly id: number;
  readonly name: string;
  /** Name, type and class as they were asked. */
  readonly octets: Uint8Array;
}

/** A query for the IPv4 address of a name. */
export function dnsQuery(name: string, id: number): Uint8Array {
  const labels = name.split(".").map((label) => {
    const letters = new TextEncoder().encode(label);
    return concat(Uint8Array.of(letters.length), letters);
  });
  const header = concat(word(id), word(0x0100), word(1), word(0), word(0), word(0));
  return concat(header, ...labels, Uint8Array.of(0), word(TYPE_A), word(CLASS_IN));
}

/** The question of a query. Undefined: it is none, or not one. */
export function readDnsQuestion(octets: Uint8Array): DnsQuestion | undefined {
  const isQuery = octets.length > HEADER_BYTES && ((octets[2] ?? 0) & 0x80) === 0;
  if (!isQuery || be16(octets, 4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let bytes = octets[at] ?? 0; bytes !== 0; bytes = octets[at] ?? 0) {
    if (bytes > LABEL_MAX_BYTES || at + 1 + bytes >= octets.length) return undefined;
    labels.push(latin1(octets.subarray(at + 1, at + 1 + bytes)));
    at += 1 + bytes;
  }
  const end = at + 5;
  if (end > octets.length || labels.length === 0) return undefined;
  return { id: be16(octets, 0), name: labels.join("."), octets: octets.slice(HEADER_BYTES, end) };
}

/** The answer with one address. */
export function dnsAnswer(question: DnsQuestion, address: string): Uint8Array {
  const header = concat(word(question.id), word(ANSWER_FLAGS), word(1), word(1), word(0), word(0));
  const record = concat(word(NAME_POINTER), word(TYPE_A), word(CLASS_IN), word(0), word(TTL_S), word(4));
  return concat(header, question.octets, record, parseAddress(address));
}

function word(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function be16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}
