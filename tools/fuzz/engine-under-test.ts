// The shipped engine with counting probes in it, over a memory of its own.
import {
  FLOW_BUCKET_BYTES,
  FLOW_ENTRIES_BASE,
  FLOW_ENTRY_BYTES,
  FLOW_TAGS_BASE,
  FLOW_WAYS,
  MEMORY_BYTES,
  MEMORY_PAGES,
} from "@bunnel/abi";
import {
  HOLD_PLACE_BYTES,
  HOLDS_MAX,
  LANE_COUNTERS,
  LANE_HOLD,
  LANE_METAS,
  LANE_WORDS,
  LANES_BASE,
  META_BYTES,
  RX_MAX,
} from "@bunnel/abi";
import { Engine, Lane, type LaneOptions } from "@bunnel/engine";
import { instrument, PROBE_BASE, PROBE_ROOM, RELEASE_PATH } from "../instrument/index.ts";

/** Few buckets, so that floods, evictions and equal tags come about by themselves. */
const BUCKETS = 4;
const SEED = 0x0f1e_2d3c_4b5a_6978n;
const COUNTER_BYTES = 0x1000;
const WORDS_BYTES = 64;

export class EngineUnderTest {
  readonly octets: Uint8Array;
  readonly counters: Uint8Array;
  #engine: Engine;

  private constructor(
    readonly module: WebAssembly.Module,
    readonly memory: WebAssembly.Memory,
    readonly probeCount: number,
  ) {
    this.octets = new Uint8Array(memory.buffer);
    this.counters = this.octets.subarray(PROBE_BASE, PROBE_BASE + ((probeCount + 3) & ~3));
    this.#engine = Engine.attach({ module, memory, table: { buckets: BUCKETS, seed: SEED } });
  }

  /** Reads, instruments and compiles the release build. @throws Error when the engine was not built */
  static async create(): Promise<EngineUnderTest> {
    const plain = await Bun.file(RELEASE_PATH).bytes();
    const { bytes, probes } = instrument(plain, { base: PROBE_BASE, room: PROBE_ROOM, mode: "count" });
    const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true });
    return new EngineUnderTest(await WebAssembly.compile(bytes), memory, probes.length);
  }

  get engine(): Engine {
    return this.#engine;
  }

  /** Opens lane 0 in the instance that is already there: a new one for each input would run cold code. */
  lane(options: LaneOptions): Lane {
    const table = { buckets: BUCKETS, seed: SEED };
    return new Lane(0, this.#engine.memory, this.#engine.exports, table, options);
  }

  /** Flows, held messages, records, words and counters as in the beginning; everything else is left as it lies. */
  reset(): void {
    const wipe = (at: number, bytes: number): unknown => this.octets.fill(0, at, at + bytes);
    wipe(FLOW_TAGS_BASE, BUCKETS * FLOW_BUCKET_BYTES);
    wipe(FLOW_ENTRIES_BASE, BUCKETS * (FLOW_WAYS + 1) * FLOW_ENTRY_BYTES);
    wipe(LANES_BASE + LANE_COUNTERS, COUNTER_BYTES);
    wipe(LANES_BASE + LANE_WORDS, WORDS_BYTES);
    wipe(LANES_BASE + LANE_METAS, RX_MAX * META_BYTES);
    for (let i = 0; i < HOLDS_MAX; i++) wipe(LANES_BASE + LANE_HOLD + i * HOLD_PLACE_BYTES, WORDS_BYTES);
  }

  /** A new instance: the variables of one that trapped are in no known state. */
  restart(): void {
    this.#engine = Engine.attach(this.#engine.transfer);
  }

  /** Copies octets to the very end of the memory, where one octet too far traps; returns their address. */
  placeAtEnd(octets: Uint8Array): number {
    const at = MEMORY_BYTES - octets.length;
    this.octets.set(octets, at);
    return at;
  }
}
