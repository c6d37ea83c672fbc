// Fragments put together again (RFC 791 section 3.2, RFC 8200 section 4.5), for a few datagrams at a time. Fragments
// that overlap void their datagram (RFC 5722): this machine's own stack makes none.
import type { ClientPacket } from "./client-packet.ts";

/** Datagrams that are not whole yet; beyond it the oldest is given up. */
const DATAGRAMS_MAX = 64;
/** As long as Linux waits for a fragment (net.ipv4.ipfrag_time). */
const WAIT_MS = 30_000;
/** Of one datagram: RFC 791 and RFC 8200 have a length of 16 bits. */
const DATAGRAM_MAX_BYTES = 65_535;
/** Of one datagram: as many as a datagram of the largest size has at the smallest MTU of IPv4 (RFC 791). */
const FRAGMENTS_MAX = 1500;

interface Piece {
  readonly at: number;
  readonly octets: Uint8Array;
}

interface Partial {
  readonly first: ClientPacket;
  readonly sinceMs: number;
  readonly pieces: Piece[];
  bytes: number;
  /** Octets of the whole, once the last fragment came. */
  total: number | undefined;
}

export class Reassembly {
  readonly #partials = new Map<string, Partial>();
  #given = 0;

  /** Datagrams that did not become whole. */
  get givenUp(): number {
    return this.#given;
  }

  /** The datagram that a fragment makes whole; undefined: there is more to come, or it is given up. */
  add(packet: ClientPacket, nowMs: number): ClientPacket | undefined {
    const { fragment } = packet;
    if (fragment === undefined) return packet;
    this.#sweep(nowMs);
    const key = `${packet.source} ${packet.destination} ${packet.protocol} ${fragment.id}`;
    const partial = this.#partials.get(key) ?? this.#begin(key, packet, nowMs);
    const end = fragment.offset + packet.body.length;
    const isWrong =
      end > DATAGRAM_MAX_BYTES ||
      partial.pieces.length >= FRAGMENTS_MAX ||
      (partial.total !== undefined && end > partial.total) ||
      partial.pieces.some(({ at, octets }) => at < end && fragment.offset < at + octets.length);
    if (isWrong) return this.#giveUp(key);
    partial.pieces.push({ at: fragment.offset, octets: packet.body.slice() });
    partial.bytes += packet.body.length;
    if (fragment.isLast) partial.total = end;
    if (partial.bytes !== partial.total) return undefined;
    this.#partials.delete(key);
    return whole(partial, partial.total);
  }

  #begin(key: string, first: ClientPacket, nowMs: number): Partial {
    const [oldest] = this.#partials.keys();
    if (oldest !== undefined && this.#partials.size >= DATAGRAMS_MAX) this.#giveUp(oldest);
    const partial: Partial = { first, sinceMs: nowMs, pieces: [], bytes: 0, total: undefined };
    this.#partials.set(key, partial);
    return partial;
  }

  #sweep(nowMs: number): void {
    for (const [key, { sinceMs }] of this.#partials) {
      // In the order in which they began.
      if (nowMs - sinceMs < WAIT_MS) return;
      this.#giveUp(key);
    }
  }

  #giveUp(key: string): undefined {
    this.#partials.delete(key);
    this.#given += 1;
    return undefined;
  }
}

function whole({ first, pieces }: Partial, total: number): ClientPacket {
  const body = new Uint8Array(total);
  for (const { at, octets } of pieces) body.set(octets, at);
  return { ...first, fragment: undefined, dontFragment: false, body };
}
