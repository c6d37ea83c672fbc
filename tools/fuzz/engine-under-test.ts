// The shipped engine with counting probes in it, over a memory of its own.
import {
  COUNTERS_MAX,
  FLOW_BUCKET_BYTES,
  FLOW_ENTRIES_BASE,
  FLOW_ENTRY_BYTES,
  FLOW_TAGS_BASE,
  FLOW_WAYS,
  MEMORY_BYTES,
  MEMORY_PAGES,
  HOLD_RECORD_BYTES,
  HOLDS_MAX,
  LANE_BYTES,
  LANE_COUNTERS,
  LANE_HOLD,
  LANE_HOST,
  LANE_METAS,
  LANE_PLAN,
  LANE_TX_ARENA,
  LANE_WORDS,
  LaneFlag,
  LANES_BASE,
  META_BYTES,
  RX_MAX,
  VNET_HEADER_BYTES,
} from "@bunnel/abi";
import { Engine, Lane, type LaneOptions } from "@bunnel/engine";
import { instrument, PROBE_BASE, PROBE_ROOM, RELEASE_PATH } from "../instrument/index.ts";
import { type ProbeScan, probeScan } from "./probe-scan.ts";

/** Few buckets, so that floods, evictions and equal tags come about by themselves. */
const BUCKETS = 4;
const SEED = 0x0f1e_2d3c_4b5a_6978n;
const SEED_LOW = Number(SEED & 0xffff_ffffn);
const SEED_HIGH = Number(SEED >> 32n);
/** The counters that there are, u64 each. */
const COUNTER_BYTES = COUNTERS_MAX * 8;
const WORDS_BYTES = 64;
/** Octets of the tx arena that a scenario usually uses. */
const POISON_ARENA_BYTES = 0x40000;
/** Above every LaneFlag. */
const FLAGS_END = 2 * LaneFlag.Carry;
/** The record of a place where a message is held. */
const HOLD_WORDS = HOLD_RECORD_BYTES / 4;
/** Its first word, which is 0 where the place is free; the engine then leaves no other word but old numbers. */
const HOLD_STATES = Array.from({ length: HOLDS_MAX }, (_, i) => (LANES_BASE + LANE_HOLD) / 4 + i * HOLD_WORDS);

export class EngineUnderTest {
  readonly octets: Uint8Array;
  readonly counters: Uint8Array;
  readonly #words: Uint32Array;
  readonly #lanes = new Map<number, { readonly lane: Lane; readonly slots: Uint32Array }>();
  #engine: Engine;

  private constructor(
    readonly module: WebAssembly.Module,
    readonly memory: WebAssembly.Memory,
    readonly probeCount: number,
    /** Finds counters that are not zero. */
    readonly scan: ProbeScan,
  ) {
    this.octets = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.counters = this.octets.subarray(PROBE_BASE, PROBE_BASE + ((probeCount + 15) & ~15));
    this.#engine = Engine.attach({ module, memory, table: { buckets: BUCKETS, seed: SEED } });
  }

  /** Reads, instruments and compiles the release build. @throws Error when the engine was not built */
  static async create(): Promise<EngineUnderTest> {
    const plain = await Bun.file(RELEASE_PATH).bytes();
    const { bytes, probes } = instrument(plain, { base: PROBE_BASE, room: PROBE_ROOM, mode: "count" });
    const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true });
    const scan = await probeScan(memory, MEMORY_PAGES);
    return new EngineUnderTest(await WebAssembly.compile(bytes), memory, probes.length, scan);
  }

  /** Where the record of the first packet of a burst lies. */
  readonly metasAt: number = LANES_BASE + LANE_METAS;

  get engine(): Engine {
    return this.#engine;
  }

  /** Opens lane 0 in the instance that is already there: a new one for each input would run cold code. */
  lane(options: LaneOptions): Lane {
    const flags = flagsOf(options);
    const mtuBytes = options.mtuBytes ?? 1500;
    const key = mtuBytes * FLAGS_END + flags;
    let known = this.#lanes.get(key);
    if (known === undefined) {
      const table = { buckets: BUCKETS, seed: SEED };
      const lane = new Lane(0, this.#engine.memory, this.#engine.exports, table, options);
      known = { lane, slots: lane.rx.at.slice() };
      this.#lanes.set(key, known);
    } else {
      // Who placed a packet elsewhere changed where the slots lie.
      known.lane.rx.at.set(known.slots);
      this.#engine.exports.open(0, flags, mtuBytes, BUCKETS, SEED_LOW, SEED_HIGH);
    }
    return known.lane;
  }

  /** Flows, held messages, records, words and counters as in the beginning; everything else is left as it lies. */
  reset(): void {
    const { octets } = this;
    octets.fill(0, FLOW_TAGS_BASE, FLOW_TAGS_BASE + BUCKETS * FLOW_BUCKET_BYTES);
    octets.fill(0, FLOW_ENTRIES_BASE, FLOW_ENTRIES_BASE + BUCKETS * (FLOW_WAYS + 1) * FLOW_ENTRY_BYTES);
    octets.fill(0, LANES_BASE + LANE_COUNTERS, LANES_BASE + LANE_COUNTERS + COUNTER_BYTES);
    octets.fill(0, LANES_BASE + LANE_METAS, LANES_BASE + LANE_METAS + RX_MAX * META_BYTES);
    octets.fill(0, LANES_BASE + LANE_WORDS, LANES_BASE + LANE_WORDS + WORDS_BYTES);
    for (const at of HOLD_STATES) {
      if (this.#words[at] !== 0) this.#words.fill(0, at, at + HOLD_WORDS);
    }
  }

  /** Octets that no run may read before it has written them are made `octet`; what `reset` relies on is made good. */
  poison(octet: number): void {
    const { octets } = this;
    octets.fill(octet, LANES_BASE + LANE_PLAN, LANES_BASE + LANE_HOST);
    octets.fill(octet, LANES_BASE + LANE_TX_ARENA, LANES_BASE + LANE_TX_ARENA + POISON_ARENA_BYTES);
    octets.fill(octet, LANES_BASE + LANE_HOLD, LANES_BASE + LANE_BYTES);
    for (const at of HOLD_STATES) this.#words.fill(0, at, at + HOLD_WORDS);
  }

  /** A new instance: the variables of one that trapped are in no known state. */
  restart(): void {
    this.#engine = Engine.attach(this.#engine.transfer);
    this.#lanes.clear();
  }

  /** Copies octets to the very end of the memory, where one octet too far traps; returns their address. */
  placeAtEnd(octets: Uint8Array): number {
    const at = MEMORY_BYTES - octets.length;
    this.octets.set(octets, at);
    return at;
  }

  /** Makes a packet there, with its virtio header before it, the lane's first. */
  putAtEnd(lane: Lane, octets: Uint8Array, header: Uint8Array): void {
    const at = this.placeAtEnd(octets);
    this.octets.set(header, at - VNET_HEADER_BYTES);
    lane.rx.at[0] = at;
    lane.rx.lengths[0] = octets.length;
  }
}

function flagsOf({ rxVnet, txVnet, plan, track, dropLinkScope, translate, carry }: LaneOptions): number {
  return (
    (rxVnet === true ? LaneFlag.RxVnet : 0) |
    (translate === true ? LaneFlag.Translate : 0) |
    (carry === true ? LaneFlag.Carry : 0) |
    (txVnet === true ? LaneFlag.TxVnet : 0) |
    (plan === false ? 0 : LaneFlag.Plan) |
    (track === false ? 0 : LaneFlag.Track) |
    (dropLinkScope === true ? LaneFlag.DropLinkScope : 0)
  );
}
