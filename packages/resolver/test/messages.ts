// Queries and answers as dns-packet writes them.
import { AUTHORITATIVE_ANSWER, decode, encode, type Answer, type DecodedPacket, type RecordType } from "dns-packet";

export interface QueryParts {
  readonly id?: number;
  readonly type?: RecordType;
  /** Octets that the asker takes; absent: no EDNS. */
  readonly udpBytes?: number;
  readonly dnssecOk?: boolean;
  /** Flags besides RD. */
  readonly flags?: number;
}

const RECURSION_DESIRED = 0x0100;

export function query(name: string, parts: QueryParts = {}): Uint8Array {
  const { id = 0x1234, type = "A", udpBytes, dnssecOk = false, flags = 0 } = parts;
  const opt = {
    type: "OPT" as const,
    name: ".",
    udpPayloadSize: udpBytes ?? 0,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: dnssecOk ? 0x8000 : 0,
    flag_do: dnssecOk,
    options: [],
  };
  return new Uint8Array(
    encode({
      type: "query",
      id,
      flags: RECURSION_DESIRED | flags,
      questions: [{ name, type }],
      ...(udpBytes !== undefined && { additionals: [opt] }),
    }),
  );
}

export interface AnswerParts {
  readonly answers?: Answer[];
  readonly authorities?: Answer[];
  readonly additionals?: Answer[];
  readonly rcode?: number;
  readonly flags?: number;
}

/** The answer to a query, with its identification and question. */
export function answer(asked: Uint8Array, parts: AnswerParts): Uint8Array {
  const { id = 0, questions = [] } = decode(Buffer.from(asked));
  const { answers = [], authorities = [], additionals = [], rcode = 0, flags = 0 } = parts;
  const packet = { type: "response" as const, id, questions, answers, authorities, additionals };
  return new Uint8Array(encode({ ...packet, flags: AUTHORITATIVE_ANSWER | 0x0180 | flags | rcode }));
}

export function address(name: string, data: string, ttl = 300): Answer {
  return { type: data.includes(":") ? "AAAA" : "A", name, data, ttl };
}

export function soa(name: string, ttl: number, minimum: number): Answer {
  const data = { mname: "ns.example.org", rname: "admin.example.org", serial: 1, refresh: 2, retry: 3, expire: 4 };
  return { type: "SOA", name, ttl, data: { ...data, minimum } };
}

/** The library's types leave the rcode out, which its messages have. */
export type ReadMessage = DecodedPacket & { readonly rcode: string };

export function read(octets: Uint8Array | undefined): ReadMessage {
  if (octets === undefined) throw new Error("expected an answer, found none");
  return decode(Buffer.from(octets)) as ReadMessage;
}
