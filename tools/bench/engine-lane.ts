// Our side of the engine suite: the mix laid into the engine's memory, worked through in bursts.
import { LANE_BYTES, LANE_METAS, LANES_BASE, META_BYTES, RX_MAX } from "@bunnel/abi";
import { Engine, type Lane } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import type { PacketMix } from "./packet-mix.ts";
import type { Sample } from "./rounds.ts";

/** As in the C twin: all 16384 buckets, one moment, and the octets of one checksum. */
const MAX_FLOWS = 114_688;
const NOW_MS = 1000;
const CHECKSUM_BYTES = 1400;
const RULES = `[[rule]]\nname = "all"\nports = ["1-65535"]\nstrategy = "tls: pass  http: pass  quic: pass"\n`;
/** The mix lies in the lanes that nobody opens. */
const MIX_AT = LANES_BASE + LANE_BYTES;

interface BurstList {
  readonly at: Uint32Array;
  readonly lengths: Uint16Array;
}

export class EngineLane {
  readonly #engine: Engine;
  readonly #lane: Lane;
  /** The same lane with rules that want none of the mix but for a few, which only look like a message. */
  readonly #ruled: Lane;
  readonly #mix: PacketMix;
  readonly #bursts: readonly BurstList[];

  private constructor(engine: Engine, mix: PacketMix) {
    this.#engine = engine;
    this.#mix = mix;
    this.#lane = engine.lane(0, { plan: false, track: true });
    this.#ruled = engine.lane(0);
    engine.loadRules(encodeRules(parseProfile(RULES)));
    this.#bursts = burstsOf(mix);
  }

  static async create(mix: PacketMix, seed: bigint): Promise<EngineLane> {
    return new EngineLane(await Engine.create({ seed, maxFlows: MAX_FLOWS }), mix);
  }

  /** Works through the mix once, from an empty flow table on: the records of all packets. */
  records(): Uint8Array {
    // A reset clears the counters of every lane, where the mix lies.
    this.#engine.reset();
    new Uint8Array(this.#engine.memory, MIX_AT, this.#mix.packets.length).set(this.#mix.packets);
    const records = new Uint8Array(this.#mix.count * META_BYTES);
    const burstRecords = new Uint8Array(this.#engine.memory, LANES_BASE + LANE_METAS, RX_MAX * META_BYTES);
    this.#bursts.forEach((burst, i) => {
      const count = this.#load(burst);
      this.#lane.poll(0, count, NOW_MS);
      records.set(burstRecords.subarray(0, count * META_BYTES), i * RX_MAX * META_BYTES);
    });
    return records;
  }

  /**
   * Nanoseconds per packet or call, after `records`: of the fastest of several passes, which is the one that nobody
   * disturbed. A pass before them fills the caches.
   */
  time(passes: number): Sample {
    let parseNs = Infinity;
    let trackNs = Infinity;
    let pollNs = Infinity;
    let quietNs = Infinity;
    let checksumNs = Infinity;
    for (let pass = -1; pass < passes; pass++) {
      const start = Bun.nanoseconds();
      this.#parseAll();
      const parsed = Bun.nanoseconds();
      this.#trackAll();
      const tracked = Bun.nanoseconds();
      this.#pollAll();
      const polled = Bun.nanoseconds();
      this.#quietAll();
      const quiet = Bun.nanoseconds();
      this.#checksumAll();
      const summed = Bun.nanoseconds();
      if (pass < 0) continue;
      parseNs = Math.min(parseNs, (parsed - start) / this.#mix.count);
      trackNs = Math.min(trackNs, (tracked - parsed) / this.#mix.count);
      pollNs = Math.min(pollNs, (polled - tracked) / this.#mix.count);
      quietNs = Math.min(quietNs, (quiet - polled) / this.#mix.count);
      checksumNs = Math.min(checksumNs, (summed - quiet) / this.#mix.count);
    }
    return { parseNs, trackNs, pollNs, quietNs, checksumNs };
  }

  #load(burst: BurstList): number {
    this.#lane.rx.at.set(burst.at);
    this.#lane.rx.lengths.set(burst.lengths);
    return burst.at.length;
  }

  #parseAll(): void {
    for (const burst of this.#bursts) this.#lane.exports.parseBurst(0, this.#load(burst));
  }

  #trackAll(): void {
    for (const burst of this.#bursts) this.#lane.exports.trackBurst(0, this.#load(burst), NOW_MS);
  }

  #pollAll(): void {
    for (const burst of this.#bursts) this.#lane.poll(0, this.#load(burst), NOW_MS);
  }

  #quietAll(): void {
    for (const burst of this.#bursts) this.#ruled.poll(0, this.#load(burst), NOW_MS);
  }

  /** As many sums as there are packets, over the slots of one burst, which lie in the cache. */
  #checksumAll(): number {
    const { rx, exports } = this.#lane;
    let all = 0;
    for (let i = 0; i < RX_MAX; i++) rx.at[i] = MIX_AT + (i % 8) * this.#mix.stride;
    rx.lengths.fill(CHECKSUM_BYTES, 0, RX_MAX);
    for (let done = 0; done < this.#mix.count; done += RX_MAX) all ^= exports.checksumBurst(0, RX_MAX);
    return all;
  }
}

function burstsOf(mix: PacketMix): BurstList[] {
  const at = Uint32Array.from({ length: mix.count }, (_, i) => MIX_AT + i * mix.stride);
  const bursts: BurstList[] = [];
  for (let from = 0; from < mix.count; from += RX_MAX) {
    const to = Math.min(from + RX_MAX, mix.count);
    bursts.push({ at: at.subarray(from, to), lengths: mix.lengths.subarray(from, to) });
  }
  return bursts;
}
