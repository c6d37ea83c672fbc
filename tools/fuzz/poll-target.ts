// A whole scenario through `poll`: rules, flows, held messages, questions, retransmissions, time.
// Laws: no trap; every packet in is accounted for once; what goes out lies where packets lie, and can be read; what
// passes is unchanged; the host's memory is left alone; an endpoint reads what was sent; nothing stale leaves.
import { Counter, LANE_COUNTERS, LANES_BASE, Reason, REASONS_MAX, Verdict, VNET_HEADER_BYTES } from "@bunnel/abi";
import type { Lane, LaneOptions } from "@bunnel/engine";
import { keepsEndpointLaw, Stream } from "./endpoint-law.ts";
import type { EngineUnderTest } from "./engine-under-test.ts";
import type { FuzzInput, FuzzPacket } from "./input.ts";
import { checkMade, isMade, isPacketPlace } from "./made-packets.ts";
import { MemoryGuards } from "./memory-guards.ts";
import type { ProbeScan } from "./probe-scan.ts";
import { scenarioOf, type Scenario } from "./scenario.ts";
import { BrokenLaw, type FuzzTarget, law } from "./target.ts";

const CANARY = 0xc5;
const CANARY_BYTES = 32;
/** Turns of one burst: each packet may be asked for, and each may need a list of its own. */
const TURNS_MAX = 256;
/** Beyond every deadline of a held message. */
const AFTER_ALL_MS = 200;
const IDLE_MS = 120_000;

export class PollTarget implements FuzzTarget {
  readonly name = "poll";
  readonly probeCount: number;
  readonly counters: Uint8Array;
  readonly scan: ProbeScan;
  readonly #guards: MemoryGuards;
  readonly #books: Uint32Array;
  #loaded: Uint8Array | undefined;
  #isLoaded = false;
  #mayRelease = false;
  /** Keep what leaves and hold every law against it; without it those that cost little. */
  #isThorough = false;
  #given: Uint8Array[] = [];
  #sent: Uint8Array[] = [];

  constructor(private readonly under: EngineUnderTest) {
    this.probeCount = under.probeCount;
    this.counters = under.counters;
    this.scan = under.scan;
    this.#guards = new MemoryGuards(under.memory.buffer);
    this.#books = new Uint32Array(under.memory.buffer, LANES_BASE + LANE_COUNTERS, 2 * (Counter.Reasons + REASONS_MAX));
  }

  run(input: FuzzInput): void {
    this.#run(input, false);
  }

  #run(input: FuzzInput, isThorough: boolean): void {
    this.#isThorough = isThorough;
    this.#given = [];
    this.#sent = [];
    this.under.reset();
    this.#load(input.table);
    const scenario = scenarioOf(input);
    const lane = this.under.lane(scenario.lane);
    try {
      this.#carry(scenario, lane);
    } catch (error) {
      if (!(error instanceof BrokenLaw)) this.under.restart();
      throw error;
    }
    this.#guards.check();
    if (isThorough) this.#checkStream(scenario, input.table);
  }

  /** All laws. What leaves must not depend on what lay in the engine's working memory before, either. */
  confirm(input: FuzzInput): void {
    this.under.poison(0);
    this.#guards.renew();
    this.#run(input, true);
    const once = this.#sent;
    this.under.poison(0xa5);
    this.#guards.renew();
    this.#run(input, true);
    const isSame = once.length === this.#sent.length && once.every((packet, i) => isEqual(packet, this.#sent[i]));
    law(isSame, () => "poll: expected packets made of what came in, found stale octets in them");
  }

  #load(table: Uint8Array): void {
    if (this.#loaded === table) return;
    this.#loaded = table;
    this.#isLoaded = true;
    try {
      this.under.engine.loadRules(table);
    } catch (error) {
      // What the door refuses is none of the engine's concern.
      if (!(error instanceof RangeError)) throw error;
      this.under.engine.unloadRules();
      this.#isLoaded = false;
    }
  }

  #carry(scenario: Scenario, lane: Lane): void {
    const { bursts, isBurst, startMs, names } = scenario;
    let nowMs = startMs;
    let given = 0;
    for (const burst of bursts) {
      const placed = isBurst ? burst.filter(({ octets }) => octets.length <= lane.slotPacketBytes) : burst;
      if (placed.length === 0) continue;
      nowMs = (nowMs + (placed[0]?.gapMs ?? 0)) >>> 0;
      for (const [i, packet] of placed.entries()) this.#place(lane, i, packet, isBurst);
      for (let done = 0, turns = 0; done < placed.length; turns++) {
        law(turns < TURNS_MAX, () => `poll: expected an end within ${TURNS_MAX} turns, found none`);
        const from = done;
        this.#mayRelease = isBurst || lane.heldCount > 0;
        done = lane.poll(from, placed.length, nowMs);
        const { question } = lane;
        // What was released may fill the list before a packet is looked at: it is sent, and the next turn goes on.
        const goesOn = done > from || question !== undefined || lane.txCount > 0;
        law(goesOn, () => "poll: expected progress, packets or a question, found none of them");
        this.#collect(lane, scenario, placed, from, done);
        if (question) lane.answer(question, names.look(question.payload, question.hash, nowMs));
      }
      given += placed.length;
      if (isBurst) this.#checkCanaries(lane, placed);
      if (!this.#isThorough) continue;
      for (const { octets } of placed) this.#given.push(octets);
      this.#checkBooks(lane, given);
    }
    nowMs = (nowMs + AFTER_ALL_MS) >>> 0;
    lane.poll(0, 0, nowMs);
    this.#collect(lane, scenario, [], 0, 0);
    law(lane.heldCount === 0, () => `poll: expected nothing held in the end, found ${lane.heldCount} packets`);
    this.#checkBooks(lane, given);
    lane.exports.expire((nowMs + IDLE_MS) >>> 0, IDLE_MS);
  }

  #place(lane: Lane, i: number, { octets, header }: FuzzPacket, isBurst: boolean): void {
    const memory = this.under.octets;
    if (!isBurst) {
      this.under.putAtEnd(lane, octets, header);
      return;
    }
    lane.place(i, octets, header);
    const at = lane.rx.at[i] ?? 0;
    memory.fill(CANARY, at + octets.length, at + octets.length + CANARY_BYTES);
    memory.fill(CANARY, at - VNET_HEADER_BYTES - CANARY_BYTES, at - VNET_HEADER_BYTES);
  }

  #checkCanaries(lane: Lane, placed: readonly FuzzPacket[]): void {
    const memory = this.under.octets;
    for (const [i, { octets }] of placed.entries()) {
      const at = lane.rx.at[i] ?? 0;
      for (let k = 0; k < CANARY_BYTES; k++) {
        if (memory[at - VNET_HEADER_BYTES - 1 - k] !== CANARY) throw new BrokenLaw("poll: a write before a packet");
        if (memory[at + octets.length + k] !== CANARY) throw new BrokenLaw("poll: a write behind a packet");
      }
    }
  }

  /** Takes over what one poll listed, and holds it against the records of the packets from `from` up to `to`. */
  #collect(lane: Lane, { lane: options }: Scenario, placed: readonly FuzzPacket[], from: number, to: number): void {
    const first = this.#sent.length;
    for (let i = 0; i < lane.txCount; i++) {
      const at = lane.tx.at[i] ?? 0;
      const bytes = lane.tx.lengths[i] ?? 0;
      if (!isPacketPlace(at, bytes, lane)) {
        throw new BrokenLaw(`poll: expected a packet where packets lie, found ${bytes} at ${at}`);
      }
      if (this.#isThorough) this.#sent.push(this.under.octets.slice(at, at + bytes));
    }
    if (!this.#isThorough) return;
    for (let i = from; i < to; i++) this.#checkOutcome(lane, options, i, first, placed[i]?.octets);
  }

  #checkOutcome(lane: Lane, options: LaneOptions, i: number, first: number, octets: Uint8Array | undefined): void {
    const { verdict, txFirst, txCount } = lane.meta(i);
    if (txFirst + txCount > lane.txCount) law(false, () => "poll: expected a part of the tx list, found more");
    // Packets that were held and are released by this one stand before its own; they lie where they were held.
    const made: Uint8Array[] = [];
    for (let tx = txFirst; tx < txFirst + txCount; tx++) {
      const packet = this.#sent[first + tx];
      if (packet !== undefined && isMade(lane.tx.at[tx] ?? 0)) made.push(packet);
    }
    if (verdict === Verdict.Hold || verdict === Verdict.Drop) {
      // What a held datagram became is listed with the packet that brought the rest of its name.
      law(
        made.length === 0 || this.#mayRelease,
        () => `poll: expected no packets for verdict ${verdict}, found ${made.length}`,
      );
    } else {
      law(txCount > 0, () => `poll: expected packets for verdict ${verdict}, found none`);
    }
    if (verdict === Verdict.Replace) for (const packet of made) checkMade(packet, options.mtuBytes ?? 1500);
    if (verdict === Verdict.Pass && options.rxVnet !== true) {
      const isSame = octets !== undefined && isEqual(octets, this.#sent[first + txFirst + txCount - 1]);
      law(isSame, () => "poll: expected a packet that passes unchanged, found another");
    }
  }

  /** Conservation: packets in = passed + replaced + held + dropped, and what is held is what the lane says. */
  #checkBooks(lane: Lane, given: number): void {
    const of = (counter: number): number => this.#books[2 * counter] ?? 0;
    let sum = 0;
    for (let reason = 0; reason < REASONS_MAX; reason++) sum += of(Counter.Reasons + reason);
    law(of(Counter.PacketsIn) === given, () => `books: expected ${given} packets in, found ${of(Counter.PacketsIn)}`);
    law(sum === given, () => `books: expected ${given} packets under all reasons, found ${sum}`);
    const held = of(Counter.Reasons + Reason.HoldMessage);
    law(held === lane.heldCount, () => `books: expected ${lane.heldCount} packets held, found ${held}`);
  }

  #checkStream({ lane: { rxVnet, txVnet, dropLinkScope } }: Scenario, table: Uint8Array): void {
    if (!this.#isLoaded || rxVnet === true || txVnet === true || dropLinkScope === true) return;
    if (!keepsEndpointLaw(table)) return;
    const given = Stream.of(this.#given);
    if (given === undefined) return;
    const read = given.empty();
    for (const packet of this.#sent) read.take(packet, "first");
    const at = given.differsAt(read);
    law(at === undefined, () => `endpoint: expected to read what was sent, found a difference at octet ${at}`);
  }
}

function isEqual(left: Uint8Array, right: Uint8Array | undefined): boolean {
  return right !== undefined && Buffer.compare(left, right) === 0;
}
