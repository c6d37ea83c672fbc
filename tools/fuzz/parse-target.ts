// One packet through the parser, which must read it as the plain codec does and never look behind its end.
import { META_BYTES, META_PAYLOAD_BYTES, META_PAYLOAD_OFFSET, META_TOTAL_BYTES } from "@bunnel/abi";
import { readMeta } from "@bunnel/engine";
import { decodePacket } from "@bunnel/wire";
import type { EngineUnderTest } from "./engine-under-test.ts";
import type { FuzzInput } from "./input.ts";
import type { ProbeScan } from "./probe-scan.ts";
import { BrokenLaw, type FuzzTarget, law } from "./target.ts";

const SAME = [
  "family",
  "protocol",
  "l4Offset",
  "payloadOffset",
  "payloadBytes",
  "totalBytes",
  "sourcePort",
  "destinationPort",
  "fragmentOffset",
  "seq",
  "ack",
  "tcpFlags",
] as const;
const CANARY_WORD = 0xc5c5_c5c5;
const META_WORDS = META_BYTES / 4;

export class ParseTarget implements FuzzTarget {
  readonly name = "parse";
  readonly probeCount: number;
  readonly counters: Uint8Array;
  readonly scan: ProbeScan;
  readonly #view: DataView;
  readonly #metaAt: number;
  /** The record, and one more on each side of it. */
  readonly #guards: Uint32Array;

  constructor(private readonly under: EngineUnderTest) {
    this.probeCount = under.probeCount;
    this.counters = under.counters;
    this.scan = under.scan;
    this.#view = new DataView(under.memory.buffer);
    this.#metaAt = under.lane({}).scratch.at + META_BYTES;
    this.#guards = new Uint32Array(under.memory.buffer, this.#metaAt - META_BYTES, 3 * META_WORDS);
  }

  run({ packets }: FuzzInput): void {
    for (const { octets } of packets) this.#parse(octets);
  }

  confirm({ packets }: FuzzInput): void {
    for (const { octets } of packets) this.#compare(octets);
  }

  /** The record holds for the octets that there are, and nothing is written beside it. */
  #parse(octets: Uint8Array): boolean {
    const guards = this.#guards;
    guards.fill(CANARY_WORD);
    const isRead = this.under.engine.exports.parse(this.under.placeAtEnd(octets), octets.length, this.#metaAt) === 1;
    for (let i = 0; i < META_WORDS; i++) {
      if (guards[i] === CANARY_WORD && guards[2 * META_WORDS + i] === CANARY_WORD) continue;
      throw new BrokenLaw(`parse: expected no write beside its record, found one at word ${i}`);
    }
    if (!isRead) return false;
    const total = this.#view.getUint16(this.#metaAt + META_TOTAL_BYTES, true);
    const payloadAt = this.#view.getUint16(this.#metaAt + META_PAYLOAD_OFFSET, true);
    const payload = this.#view.getUint16(this.#metaAt + META_PAYLOAD_BYTES, true);
    if (total > octets.length || payloadAt + payload > total) {
      throw new BrokenLaw(`parse: expected parts within ${octets.length} octets, found a payload past the end`);
    }
    return true;
  }

  #compare(octets: Uint8Array): void {
    const isRead = this.#parse(octets);
    const codec = decodePacket(octets);
    law(isRead === (codec.family !== 0), () => `parse: expected family ${codec.family}, found read: ${isRead}`);
    if (!isRead) return;
    const meta = readMeta(this.#view, this.#metaAt);
    for (const field of SAME) {
      law(meta[field] === codec[field], () => `parse: expected ${field} ${codec[field]}, found ${meta[field]}`);
    }
  }
}
