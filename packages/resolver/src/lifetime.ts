// How long an answer may be kept, and which addresses it tells (RFC 1035, RFC 2181 section 8, RFC 2308).
import { decode } from "dns-packet";
import { Rcode, Type, type MessageView } from "./message.ts";
import type { Query } from "./query.ts";

/** How long answers are kept, seconds. */
export interface LifetimeBounds {
  readonly minSeconds: number;
  readonly maxSeconds: number;
  /** Of an answer that there is no such name or no such record. */
  readonly negativeMaxSeconds: number;
}

/** Longer than anybody means it; with the highest bit set it means nothing (RFC 2181 section 8). */
const TTL_MAX = 0x7fffffff;

/** Seconds for which the answer may be kept; 0: not at all. */
export function lifetimeOf(answer: MessageView, bounds: LifetimeBounds): number {
  const { rcode, records } = answer;
  const hasAnswer = records.some(({ section }) => section === "answer");
  if (rcode === Rcode.NoError && hasAnswer) {
    const ttls = records.filter(({ type }) => type !== Type.Opt).map(({ ttlAt }) => ttlOf(answer, ttlAt));
    return clamp(Math.min(...ttls), bounds);
  }
  if (rcode !== Rcode.NoError && rcode !== Rcode.NxDomain) return 0;
  const soa = records.find(({ section, type }) => section === "authority" && type === Type.Soa);
  if (soa === undefined) return 0;
  // RFC 2308 section 5: the record's own lifetime or its MINIMUM field, the last of its data, whichever is less.
  if (soa.end - soa.dataAt < SOA_NUMBERS_BYTES) return 0;
  const minimum = answer.view.getUint32(soa.end - 4);
  const seconds = Math.min(ttlOf(answer, soa.ttlAt), minimum > TTL_MAX ? 0 : minimum);
  return Math.min(clamp(seconds, bounds), bounds.negativeMaxSeconds);
}

/** Serial, refresh, retry, expire, minimum (RFC 1035 section 3.3.13). */
const SOA_NUMBERS_BYTES = 20;

function ttlOf({ view }: MessageView, ttlAt: number): number {
  const ttl = view.getUint32(ttlAt);
  return ttl > TTL_MAX ? 0 : ttl;
}

function clamp(seconds: number, { minSeconds, maxSeconds }: LifetimeBounds): number {
  return Math.min(Math.max(seconds, minSeconds), maxSeconds);
}

/** Brings every lifetime in the answer within the bounds, in place, so that askers ask again when we would. */
export function boundLifetimes(octets: Uint8Array, ttlsAt: readonly number[], bounds: LifetimeBounds): void {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  for (const at of ttlsAt) {
    const ttl = view.getUint32(at);
    view.setUint32(at, clamp(ttl > TTL_MAX ? 0 : ttl, bounds));
  }
}

/** What an answer tells about where a host is. */
export interface LearnedAddresses {
  /** As it was asked for, lower case. */
  readonly host: string;
  readonly addresses: readonly string[];
  readonly seconds: number;
}

/** The addresses in an answer to a question for them; undefined: it tells none. */
export function addressesIn(query: Query, octets: Uint8Array, seconds: number): LearnedAddresses | undefined {
  const { host, type } = query;
  if (host === undefined || (type !== Type.A && type !== Type.Aaaa)) return undefined;
  const wanted = type === Type.A ? "A" : "AAAA";
  try {
    const addresses: string[] = [];
    for (const record of decode(Buffer.from(octets)).answers ?? []) {
      if (record.type === wanted) addresses.push(record.data);
    }
    return addresses.length === 0 ? undefined : { host, addresses, seconds };
  } catch {
    // A record that the library cannot read is the asker's to judge; nothing is learned from it.
    return undefined;
  }
}
