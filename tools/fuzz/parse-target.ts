// One packet through the parser, which must read it as the plain codec does and never look behind its end.
import { META_BYTES } from "@bunnel/abi";
import { readMeta } from "@bunnel/engine";
import { decodePacket } from "@bunnel/wire";
import type { EngineUnderTest } from "./engine-under-test.ts";
import type { FuzzInput } from "./input.ts";
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
const CANARY = 0xc5;

export class ParseTarget implements FuzzTarget {
  readonly name = "parse";
  readonly probeCount: number;
  readonly counters: Uint8Array;
  readonly #view: DataView;
  readonly #metaAt: number;

  constructor(private readonly under: EngineUnderTest) {
    this.probeCount = under.probeCount;
    this.counters = under.counters;
    this.#view = new DataView(under.memory.buffer);
    this.#metaAt = under.lane({}).scratch.at + META_BYTES;
  }

  run({ packets }: FuzzInput): void {
    for (const { octets } of packets) this.#parse(octets);
  }

  #parse(octets: Uint8Array): void {
    const { engine } = this.under;
    const guards = this.under.octets.subarray(this.#metaAt - META_BYTES, this.#metaAt + 2 * META_BYTES);
    guards.fill(CANARY);
    const read = engine.exports.parse(this.under.placeAtEnd(octets), octets.length, this.#metaAt);
    const codec = decodePacket(octets);
    law((read === 1) === (codec.family !== 0), () => `parse: expected family ${codec.family}, found ${read}`);
    for (let i = 0; i < META_BYTES; i++) {
      if (guards[i] === CANARY && guards[2 * META_BYTES + i] === CANARY) continue;
      throw new BrokenLaw(`parse: expected no write beside its record, found one at ${i}`);
    }
    if (read === 0) return;
    const meta = readMeta(this.#view, this.#metaAt);
    for (const field of SAME) {
      law(meta[field] === codec[field], () => `parse: expected ${field} ${codec[field]}, found ${meta[field]}`);
    }
  }
}
