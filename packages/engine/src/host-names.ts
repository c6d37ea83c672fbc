// The host names that the engine recognises, as text: for captures and for whoever wants to know and not to change.
import { L7, LANE_BYTES, LANE_NAME, LANES_BASE, Verdict } from "@bunnel/abi";
import type { Lane } from "./lane.ts";
import type { PacketMeta } from "./meta.ts";

/** Flows whose messages are being put together; the oldest goes first. A lane holds no more by far. */
const FLOWS_MAX = 256;

/** A message that the engine recognised, in the packet with which it became whole. */
export interface FoundMessage {
  readonly l7: L7;
  /** One character per octet. Undefined: the message has no name that can be read, as every SYN. */
  readonly host?: string;
}

/**
 * Reads what a lane has recognised. The lane must work on one packet at a time, at place 0, under a rule table that
 * asks for the kinds of interest; QUIC needs a `NameFinder` beside it.
 */
export class HostNames {
  readonly #octets: Uint8Array;
  readonly #nameAt: number;
  /** Payloads of held packets, by flow and direction. */
  readonly #parts = new Map<bigint, Uint8Array[]>();

  constructor(readonly lane: Lane) {
    this.#octets = new Uint8Array(lane.memory);
    this.#nameAt = LANES_BASE + lane.index * LANE_BYTES + LANE_NAME;
  }

  /** The message that the packet of the last poll completed; undefined: none, or more of it is to come. */
  take(): FoundMessage | undefined {
    const meta = this.lane.meta(0);
    if (meta.payloadBytes === 0 && meta.l7 === L7.None) return undefined;
    const way = meta.hash * 2n + BigInt(meta.direction);
    const before = this.#parts.get(way) ?? [];
    if (meta.verdict === Verdict.Hold) {
      this.#keep(way, [...before, this.#payload(meta)]);
      return undefined;
    }
    this.#parts.delete(way);
    if (meta.l7 === L7.None) return undefined;
    if (meta.hostBytes === 0) return { l7: meta.l7 };
    return { l7: meta.l7, host: latin1(this.#host(meta, before)) };
  }

  /** Offset 0 means that the name does not lie in the message: then the engine has it as text. */
  #host({ hostOffset, hostBytes, ...meta }: PacketMeta, before: readonly Uint8Array[]): Uint8Array {
    if (hostOffset === 0) return this.#octets.slice(this.#nameAt, this.#nameAt + hostBytes);
    const message = Buffer.concat([...before, this.#payload(meta)]);
    return message.subarray(hostOffset, hostOffset + hostBytes);
  }

  #payload({ payloadOffset, payloadBytes }: Pick<PacketMeta, "payloadOffset" | "payloadBytes">): Uint8Array {
    const at = (this.lane.rx.at[0] ?? 0) + payloadOffset;
    return this.#octets.slice(at, at + payloadBytes);
  }

  #keep(way: bigint, parts: Uint8Array[]): void {
    this.#parts.delete(way);
    this.#parts.set(way, parts);
    const [oldest] = this.#parts.keys();
    if (this.#parts.size > FLOWS_MAX && oldest !== undefined) this.#parts.delete(oldest);
  }
}

function latin1(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}
