// The engine's host: one module, one shared memory, lanes over it, rule tables swapped while packets flow.
import {
  CONTROL_BASE,
  CONTROL_RULES,
  FLOW_TAGS_BASE,
  HEADER_RULE_COUNT,
  LANE_BYTES,
  LANE_HOLD,
  LANE_HOLD_BYTES,
  LANE_WORDS,
  LANES_BASE,
  LANES_MAX,
  RULES_BASE,
  RULES_TABLE_BYTES,
  RULE_COUNTS_BASE,
  RULE_COUNTS_BYTES,
  WORD_OPENED,
} from "@bunnel/abi";
import { wantLargePages } from "#large-pages";
import { checkTable } from "./check-table.ts";
import { laneCounters, readCounters, readRuleCounts, type EngineCounters } from "./counters.ts";
import { readFlows, type FlowInfo } from "./flows.ts";
import { waitForLanes } from "./wait-for-lanes.ts";
import { layHostFilter } from "./host-filter.ts";
import { LearnedNames } from "./learned-names.ts";
import { bucketsFor, Lane, type LaneOptions, type LaneTable } from "./lane.ts";
import { compileEngine, createMemory, instantiate, type EngineBuild, type EngineExports } from "./module.ts";
import { resetTranslations } from "./translations.ts";
import { transformer, type Transform } from "./transformer.ts";
import { warmUpTable } from "./warm-up-table.ts";
import { warmUp, warmUpPlans } from "./warm-up.ts";

/** The host's own instance counts expired flows on the last lane, which no worker opens. */
const LANE_OF_HOST = LANES_MAX - 1;

/** Tables from this size on are laid into large pages. */
const LONG_TABLE_BYTES = 0x100000;

/** How much an engine keeps. */
export interface EngineOptions {
  /** Flows kept at most, rounded up to seven times a power of two; beyond 114 688 it stays there. Default 10 000. */
  readonly maxFlows?: number;
  /** Secret of the flow table's hash. Default: from the system's random source. */
  readonly seed?: bigint;
  /** Default "release". */
  readonly build?: EngineBuild;
  /** Run synthetic packets so that the first real ones find compiled code. Default true. */
  readonly warm?: boolean;
}

/** What another thread needs to work on the same memory. Structured-cloneable. */
export interface EngineHandOver {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly table: LaneTable;
}

/** The packet engine: one memory, its rules and flows, and a lane for each thread that carries packets. */
export class Engine {
  /** Exports of an instance that belongs to the host: parsing and checksums without a lane. */
  readonly exports: EngineExports;
  readonly #control: Uint32Array;
  readonly #names: LearnedNames;
  /** What the rules' counts stood at when the table in force was loaded. */
  #countsBefore: readonly number[] = [];

  private constructor(readonly transfer: EngineHandOver) {
    this.exports = instantiate(transfer.module, transfer.memory);
    this.#control = new Uint32Array(transfer.memory.buffer, CONTROL_BASE, 16);
    this.#names = new LearnedNames(this.memory);
  }

  /** Compiles the engine and maps its memory. @throws Error when the engine was not built */
  static async create(options: EngineOptions = {}): Promise<Engine> {
    const module = await compileEngine(options.build);
    const seed = options.seed ?? crypto.getRandomValues(new BigUint64Array(1))[0] ?? 1n;
    const table = { buckets: bucketsFor(options.maxFlows ?? 10_000), seed };
    const engine = new Engine({ module, memory: createMemory(), table });
    wantLargePages(engine.memory, FLOW_TAGS_BASE, RULES_BASE - FLOW_TAGS_BASE);
    if (options.warm !== false) engine.warmUp();
    return engine;
  }

  /**
   * Runs synthetic packets, some of them planned, until what is hot is compiled: without it the first thousands would
   * be slow. Compiled code belongs to all instances in every thread. It works in a memory of its own, so that lanes may
   * be opened, and other threads started, meanwhile. Takes 15 to 30 ms.
   */
  warmUp(): void {
    const spare = Engine.attach({ ...this.transfer, memory: createMemory() });
    const lane = spare.lane(0);
    warmUp(lane);
    spare.loadRules(warmUpTable());
    warmUpPlans(lane);
  }

  /** The same engine in another thread. */
  static attach(transfer: EngineHandOver): Engine {
    return new Engine(transfer);
  }

  get memory(): SharedArrayBuffer {
    return this.transfer.memory.buffer as unknown as SharedArrayBuffer;
  }

  /** Opens a lane with an instance of its own. One lane belongs to one thread. */
  lane(index: number, options: LaneOptions = {}): Lane {
    const exports = instantiate(this.transfer.module, this.transfer.memory);
    return new Lane(index, this.memory, exports, this.transfer.table, options);
  }

  /**
   * Puts a rule table in force: it is written beside the active one, then one word is swapped. Tables come from
   * `@bunnel/profile`. A lane that is in the middle of a burst ends it with the table it began with; loaded twice
   * within one burst's time, the second waits for the lane.
   * @throws RangeError when something in the table leads outside it or breaks a limit
   * @throws Error when a lane does not come out of its burst within a second: its thread must have been killed in it
   */
  loadRules(table: Uint8Array): void {
    checkTable(table);
    const word = CONTROL_RULES / 4;
    const next = Atomics.load(this.#control, word) === RULES_BASE ? RULES_BASE + RULES_TABLE_BYTES : RULES_BASE;
    waitForLanes(this.memory, next);
    // A short table would only take more memory with them.
    if (table.length >= LONG_TABLE_BYTES) wantLargePages(this.memory, next, RULES_TABLE_BYTES);
    new Uint8Array(this.memory, next, table.length).set(table);
    layHostFilter(new Uint8Array(this.memory, next, RULES_TABLE_BYTES), table.length);
    Atomics.store(this.#control, word, next);
    const rules = new DataView(table.buffer, table.byteOffset).getUint32(HEADER_RULE_COUNT, true);
    this.#countsBefore = readRuleCounts(this.memory, rules);
  }

  /** Takes the rules out of force: every packet passes. */
  unloadRules(): void {
    Atomics.store(this.#control, CONTROL_RULES / 4, 0);
  }

  /** The counters of all lanes. */
  counters(): EngineCounters {
    return readCounters(this.memory);
  }

  /** Messages that each rule of the table in force has decided, by the rule's index, since the table was loaded. */
  ruleCounts(rules: number): number[] {
    const counts = readRuleCounts(this.memory, rules);
    return counts.map((count, rule) => count - (this.#countsBefore[rule] ?? 0));
  }

  /** The flows in the table, those seen last first. `nowMs` is the clock that lanes are polled with. */
  flows(nowMs: number): FlowInfo[] {
    return readFlows(this.memory, this.transfer.table.buckets, nowMs);
  }

  /**
   * Rules by host act on SYNs to this address (4 or 16 octets) from now on, for so many seconds: it was asked for by
   * this name. Of several names the last one holds. Called by one thread alone; safe while lanes work.
   */
  learnName(address: Uint8Array, name: string, seconds: number, nowMs: number): void {
    this.#names.learn(address, name, seconds, nowMs);
  }

  /** Frees flows not seen for `idleMs`; returns how many. Safe while lanes work. */
  expireFlows(nowMs: number, idleMs: number): number {
    this.#openHostLane();
    return this.exports.expire(nowMs, idleMs);
  }

  /** One packet to the packets sent in its place, over lane 0. For tests, captures and simulation. */
  transformer(options: LaneOptions = {}): Transform {
    return transformer(this.lane(0, options));
  }

  /** Forgets all flows, held messages, names of addresses and counters. Only while no lane works. */
  reset(): void {
    this.#names.clear();
    new Uint8Array(this.memory, RULE_COUNTS_BASE, LANES_MAX * RULE_COUNTS_BYTES).fill(0);
    new Uint8Array(this.memory, FLOW_TAGS_BASE, RULES_BASE - FLOW_TAGS_BASE).fill(0);
    for (let lane = 0; lane < LANES_MAX; lane++) {
      const base = LANES_BASE + lane * LANE_BYTES;
      laneCounters(this.memory, lane).fill(0n);
      const words = new Uint32Array(this.memory, base + LANE_WORDS, 16);
      // A lane that nobody opened has nothing to forget, and writing to it would take memory.
      if (words[WORD_OPENED / 4] === 0) continue;
      words.fill(0);
      words[WORD_OPENED / 4] = 1;
      new Uint8Array(this.memory, base + LANE_HOLD, LANE_HOLD_BYTES).fill(0);
    }
    resetTranslations(this.memory);
  }

  #openHostLane(): void {
    const { buckets, seed } = this.transfer.table;
    const high = Number((seed >> 32n) & 0xffffffffn);
    this.exports.open(LANE_OF_HOST, 0, 1500, buckets, Number(seed & 0xffffffffn), high);
  }
}
