// Whether an endpoint reads from what leaves exactly what came in. Asked only where the answer is plain: one TCP stream
// without contradictions in it, and techniques of which none relies on a path or on an endpoint's habits.
import {
  Fooling,
  HEADER_STRATEGIES_AT,
  HEADER_STRATEGY_COUNT,
  OP_BYTES,
  OP_FOOLINGS,
  OP_TECHNIQUE,
  STRATEGY_BYTES,
  STRATEGY_OP_COUNT,
  STRATEGY_OPS_AT,
  Technique,
} from "@bunnel/abi";
import { decodePacket, type DecodedPacket, PROTOCOL_TCP, verifyChecksums } from "@bunnel/wire";

/** They send the message's own octets, each in its place. */
const PLAIN: ReadonlySet<number> = new Set([
  Technique.Split,
  Technique.Disorder,
  Technique.IpId,
  Technique.Duplicate,
  Technique.Delay,
  Technique.Tos,
]);
/** They keep the law when their decoys are damaged. */
const WITH_DECOYS: ReadonlySet<number> = new Set([
  Technique.Fake,
  Technique.FakedSplit,
  Technique.HostFakeSplit,
  Technique.Rst,
]);
const SPAN_MAX_BYTES = 65536;

/** True when every operation of an accepted table keeps the endpoint law by itself. */
export function keepsEndpointLaw(table: Uint8Array): boolean {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const first = view.getUint32(HEADER_STRATEGIES_AT, true);
  for (let i = view.getUint32(HEADER_STRATEGY_COUNT, true) - 1; i >= 0; i--) {
    const strategy = first + i * STRATEGY_BYTES;
    const ops = view.getUint32(strategy + STRATEGY_OPS_AT, true);
    for (let op = view.getUint8(strategy + STRATEGY_OP_COUNT) - 1; op >= 0; op--) {
      const at = ops + op * OP_BYTES;
      const technique = view.getUint8(at + OP_TECHNIQUE);
      const isDamaged = (view.getUint16(at + OP_FOOLINGS, true) & Fooling.BadSum) !== 0;
      if (!PLAIN.has(technique) && !(WITH_DECOYS.has(technique) && isDamaged)) return false;
    }
  }
  return true;
}

/** Octets of a stream by their distance from its first packet's sequence number. */
export class Stream {
  readonly #octets = new Map<number, number>();
  private constructor(private readonly like: DecodedPacket) {}

  /** The stream that these packets carry; undefined where they are not one, or contradict each other. */
  static of(packets: readonly Uint8Array[]): Stream | undefined {
    const [first] = packets;
    if (first === undefined) return undefined;
    const stream = new Stream(decodePacket(first));
    for (const packet of packets) {
      if (!stream.#isSound(packet) || !stream.take(packet, "agree")) return undefined;
    }
    return stream;
  }

  /** An empty stream between the same ends. */
  empty(): Stream {
    return new Stream(this.like);
  }

  /**
   * Reads one packet as the endpoint does: what is damaged is discarded. Of two copies of an octet the first counts;
   * with "agree" the answer is false where they differ.
   */
  take(packet: Uint8Array, copies: "first" | "agree"): boolean {
    const segment = decodePacket(packet);
    if (!this.#isSound(packet)) return true;
    const from = (segment.seq - this.like.seq) | 0;
    if (from < -SPAN_MAX_BYTES || from > SPAN_MAX_BYTES) return copies === "first";
    for (const [i, octet] of segment.payload.entries()) {
      const known = this.#octets.get(from + i);
      if (known === undefined) this.#octets.set(from + i, octet);
      else if (known !== octet && copies === "agree") return false;
    }
    return true;
  }

  /** The first octet in which the two differ, from the sequence number of the first packet; undefined: none. */
  differsAt(other: Stream): number | undefined {
    for (const [at, octet] of this.#octets) if (other.#octets.get(at) !== octet) return at;
    for (const at of other.#octets.keys()) if (!this.#octets.has(at)) return at;
    return undefined;
  }

  #isSound(packet: Uint8Array): boolean {
    const { like } = this;
    const segment = decodePacket(packet);
    if (segment.family === 0 || segment.protocol !== PROTOCOL_TCP || segment.fragment) return false;
    if (segment.source !== like.source || segment.destination !== like.destination) return false;
    if (segment.sourcePort !== like.sourcePort || segment.destinationPort !== like.destinationPort) return false;
    const sums = verifyChecksums(packet);
    return segment.hopLimit === like.hopLimit && sums.ip !== false && sums.transport === true;
  }
}
