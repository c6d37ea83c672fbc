// Flows that are translated to a listener: any packets in any order, a table that is soon full, answers of the host.
// Laws: no trap; every packet is accounted for once; what leaves lies where packets lie and can be read; no more
// translations than there may be; when all is over none is left, and nothing is held.
import { Counter, Reason, REASONS_MAX } from "@bunnel/abi";
import { laneCounters, Translations, type Lane } from "@bunnel/engine";
import { decodePacket } from "@bunnel/wire";
import type { EngineUnderTest } from "./engine-under-test.ts";
import type { FuzzInput, FuzzPacket } from "./input.ts";
import { isPacketPlace } from "./made-packets.ts";
import { MemoryGuards } from "./memory-guards.ts";
import type { ProbeScan } from "./probe-scan.ts";
import { scenarioOf } from "./scenario.ts";
import { TRANSLATED } from "./seed-tables.ts";
import { BrokenLaw, type FuzzTarget, law } from "./target.ts";

const CAPACITY = 6;
/** ICMP, UDP, ICMPv6. */
const CARRIED: readonly number[] = [1, 17, 58];
const PORTS = 4;
const LISTENER = { tcpPort: 4040 };
/** Longer than any translation lives without a packet, in steps that a sweep takes notice of. */
const AFTER_ALL_MS = 8_000_000;
const ADMISSIONS = 6;
/** Clocks of 32 bits tell ages up to 24 days apart. */
const GAP_MAX_MS = 2 * AFTER_ALL_MS;

export class TranslateTarget implements FuzzTarget {
  readonly name = "translate";
  readonly probeCount: number;
  readonly counters: Uint8Array;
  readonly scan: ProbeScan;
  readonly #guards: MemoryGuards;
  #isLoaded = false;

  constructor(private readonly under: EngineUnderTest) {
    this.probeCount = under.probeCount;
    this.counters = under.counters;
    this.scan = under.scan;
    this.#guards = new MemoryGuards(under.memory.buffer);
  }

  run(input: FuzzInput): void {
    this.under.reset();
    if (!this.#isLoaded) this.under.engine.loadRules(TRANSLATED);
    this.#isLoaded = true;
    const [, , , choice = 0] = input.options;
    const translations = Translations.open(this.under.engine.memory, {
      ipv4: { address: "10.0.85.1", prefixLength: 24, ...LISTENER },
      ipv6: { address: "fd62:756e:6e65:6c::1", prefixLength: 64, ...LISTENER },
      capacity: CAPACITY,
      portsPerPeer: PORTS,
      holds: (choice & 1) !== 0,
    });
    const { lane: options, startMs, isBurst } = scenarioOf(input);
    const lane = this.under.lane({ ...options, translate: true, carry: true });
    try {
      this.#carry(input.packets, lane, translations, startMs, choice >> 1, !isBurst);
    } catch (error) {
      if (!(error instanceof BrokenLaw)) this.under.restart();
      throw error;
    }
    this.#guards.check();
  }

  #carry(
    packets: readonly FuzzPacket[],
    lane: Lane,
    translations: Translations,
    startMs: number,
    choice: number,
    isAtEnd: boolean,
  ): void {
    let nowMs = startMs;
    for (const { octets, header, gapMs } of packets) {
      if (octets.length > lane.slotPacketBytes) continue;
      nowMs = (nowMs + Math.min(gapMs, GAP_MAX_MS)) >>> 0;
      // Flush with the memory's end one octet too far traps; in its slot a packet has room.
      if (isAtEnd) this.under.putAtEnd(lane, octets, header);
      else lane.place(0, octets, header);
      for (let turns = 0; lane.poll(0, 1, nowMs) === 0; turns++) {
        law(turns < 4, () => "translate: expected an end, found none");
        const { question } = lane;
        if (question) lane.answer(question, "none");
      }
      const { reason } = lane.meta(0);
      if (reason === Reason.ReplaceCarried) {
        const { protocol } = decodePacket(octets);
        law(CARRIED.includes(protocol), () => `carried: expected UDP or ICMP, found protocol ${protocol}`);
      }
      this.#look(lane, reason === Reason.ReplaceTranslated && decodePacket(octets).family !== 0);
      for (const each of lane.wanted()) {
        if (choice % ADMISSIONS === 0) continue;
        lane.admit(each, choice % ADMISSIONS, nowMs);
        this.#look(lane, true);
      }
      const { count } = translations;
      law(count >= 0 && count <= CAPACITY, () => `translate: expected 0 to ${CAPACITY} flows, found ${count}`);
    }
    for (let pass = 0; pass < 2; pass++) {
      nowMs = (nowMs + AFTER_ALL_MS) >>> 0;
      lane.poll(0, 0, nowMs);
    }
    law(translations.count === 0, () => `translate: expected no flow in the end, found ${translations.count}`);
    const books = laneCounters(this.under.engine.memory, 0);
    const given = books[Counter.PacketsIn] ?? 0n;
    const sum = books.subarray(Counter.Reasons, Counter.Reasons + REASONS_MAX).reduce((all, each) => all + each, 0n);
    law(sum === given, () => `books: expected ${given} packets by reason, found ${sum}`);
    const held =
      (books[Counter.Reasons + Reason.HoldAwaited] ?? 0n) + (books[Counter.Reasons + Reason.HoldMessage] ?? 0n);
    law(held === 0n, () => `books: expected nothing held in the end, found ${held}`);
  }

  /** What was listed lies where packets lie; what was translated can be read. */
  #look(lane: Lane, mustRead: boolean): void {
    for (let i = 0; i < lane.txCount; i++) {
      const at = lane.tx.at[i] ?? 0;
      const bytes = lane.tx.lengths[i] ?? 0;
      law(isPacketPlace(at, bytes, lane), () => `translate: expected a packet where packets lie, found one at ${at}`);
      if (!mustRead) continue;
      const { family } = decodePacket(this.under.octets.slice(at, at + bytes));
      law(family !== 0, () => "translate: expected a packet that can be read, found a malformed one");
    }
  }
}
