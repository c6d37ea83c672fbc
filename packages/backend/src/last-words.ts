// What is said once: a reset, or an ICMP error. Nobody sends it again, and a program that never hears it waits for
// hours. So it is kept apart where the backlog has no room any more, and sent when that is empty again, for a while.
import type { PacketList } from "@bunnel/device";
import type { Egress } from "@bunnel/egress";
import { Backlog } from "./backlog.ts";

/** Of resets there is room for so many; of errors, which are longer, for fewer. */
const WORDS_MAX = 2000;
/** Who has heard nothing for so long has asked again, or given up. */
export const WORDS_KEPT_MS = 3000;

const IPV6_HEADER_BYTES = 40;
const PROTOCOL_ICMP = 1;
const PROTOCOL_TCP = 6;
const PROTOCOL_ICMPV6 = 58;
/** RFC 9293 section 3.1 */
const TCP_FLAGS_AT = 13;
const TCP_RST = 4;
/** RFC 1122 section 3.2.2: destination unreachable, time exceeded, parameter problem. */
const ICMP_ERRORS: readonly number[] = [3, 11, 12];
/** RFC 4443 section 2.1: below it are the errors. */
const ICMPV6_INFORMATION = 128;

/** Whether a packet is a reset or an ICMP error, which is the first of its fragments where it was cut. */
export function isSaidOnce(octets: Uint8Array, at: number, bytes: number): boolean {
  const isIpv6 = (octets[at] ?? 0) >> 4 === 6;
  const headerBytes = isIpv6 ? IPV6_HEADER_BYTES : ((octets[at] ?? 0) & 15) * 4;
  const fragmentOffset = isIpv6 ? 0 : (((octets[at + 6] ?? 0) & 0x1f) << 8) | (octets[at + 7] ?? 0);
  if (fragmentOffset !== 0 || headerBytes >= bytes) return false;
  const first = octets[at + headerBytes] ?? 0;
  const protocol = octets[at + (isIpv6 ? 6 : 9)] ?? 0;
  switch (protocol) {
    case PROTOCOL_TCP:
      return headerBytes + TCP_FLAGS_AT < bytes && ((octets[at + headerBytes + TCP_FLAGS_AT] ?? 0) & TCP_RST) !== 0;
    case PROTOCOL_ICMP:
      return !isIpv6 && ICMP_ERRORS.includes(first);
    case PROTOCOL_ICMPV6:
      return isIpv6 && first < ICMPV6_INFORMATION;
    default:
      return false;
  }
}

/** Those that wait, in order, each until its time is up. */
export class LastWords {
  readonly #backlog: Backlog;
  /** Of each that waits, a time of the host's clock modulo 2^32. */
  readonly #dueMs: number[] = [];

  /** @param region where copies lie: octets `at` up to `at + bytes` of the memory */
  constructor(memory: SharedArrayBuffer, region: { readonly at: number; readonly bytes: number }) {
    this.#backlog = new Backlog(memory, region, WORDS_MAX);
  }

  get count(): number {
    return this.#backlog.count;
  }

  /** Copies packet `i` behind those that wait. False: there is no room. */
  keep(packets: PacketList, i: number, nowMs: number): boolean {
    if (this.#backlog.push(packets, i, i + 1) > 0) return false;
    this.#dueMs.push((nowMs + WORDS_KEPT_MS) >>> 0);
    return true;
  }

  /** Sends what waits, as far as the way out takes it; returns how many it took. */
  flush(egress: Egress): number {
    const taken = this.#backlog.flush(egress);
    this.#dueMs.splice(0, taken);
    return taken;
  }

  /** Gives up those whose time is up; returns how many. */
  expire(nowMs: number): number {
    let late = 0;
    while (late < this.#dueMs.length && (((this.#dueMs[late] ?? 0) - nowMs) | 0) <= 0) late++;
    this.#backlog.skip(late);
    this.#dueMs.splice(0, late);
    return late;
  }
}
