// Counters of all lanes, added up.
import {
  Counter,
  COUNTERS_MAX,
  LANE_BYTES,
  LANE_COUNTERS,
  LANES_BASE,
  LANES_MAX,
  Reason,
  REASONS_MAX,
  RULE_COUNTS_BASE,
  RULE_COUNTS_BYTES,
  Verdict,
  verdictOf,
} from "@bunnel/abi";

/** Figures since the engine was made, of all lanes together. */
export interface EngineCounters {
  readonly packetsIn: number;
  readonly bytesIn: number;
  readonly flowsInserted: number;
  readonly flowsEvicted: number;
  readonly flowsExpired: number;
  readonly flowsUntracked: number;
  /** Flows in the table now. */
  readonly flows: number;
  readonly messagesTls: number;
  readonly messagesHttp: number;
  readonly messagesQuic: number;
  readonly messagesDns: number;
  readonly messagesSyn: number;
  /** Pieces of messages that were sent by a plan, and decoys. */
  readonly pieces: number;
  readonly fakes: number;
  readonly passed: number;
  readonly replaced: number;
  readonly held: number;
  readonly dropped: number;
  /** Packets by the name of the reason, only those that happened. */
  readonly reasons: Readonly<Record<string, number>>;
  /** What the way out made of the packets: see `Counter`. */
  readonly egressSent: number;
  readonly egressRefused: number;
  readonly queueDropped: number;
  /** DNS queries to be answered that the host had no room for. */
  readonly queriesDropped: number;
  /** Packets to be carried on by sockets that the host had no room for. */
  readonly carriedDropped: number;
  /** Resets and ICMP errors, which nobody sends again, that found no way out within three seconds. */
  readonly answersDropped: number;
  readonly turns: number;
  /** Flows that were translated; those of them that are over, or given up for others; flows refused without room. */
  readonly translationsMade: number;
  readonly translationsExpired: number;
  readonly translationsEvicted: number;
  readonly translationsRefused: number;
}

/** The counters of one lane as a live view; a lane's host writes its own ones here too. */
export function laneCounters(memory: SharedArrayBuffer, lane: number): BigUint64Array {
  return new BigUint64Array(memory, LANES_BASE + lane * LANE_BYTES + LANE_COUNTERS, COUNTERS_MAX);
}

/** Adds all lanes up. Conservation: packetsIn = passed + replaced + held + dropped, at every moment between polls. */
export function readCounters(memory: SharedArrayBuffer): EngineCounters {
  const sum = Array.from({ length: COUNTERS_MAX }, () => 0);
  for (let lane = 0; lane < LANES_MAX; lane++) {
    const counters = laneCounters(memory, lane);
    for (let i = 0; i < COUNTERS_MAX; i++) sum[i] = (sum[i] ?? 0) + Number(counters[i] ?? 0n);
  }
  const of = (counter: Counter): number => sum[counter] ?? 0;
  const verdicts = [0, 0, 0, 0];
  const reasons: Record<string, number> = {};
  for (let reason = 0; reason < REASONS_MAX; reason++) {
    const packets = sum[Counter.Reasons + reason] ?? 0;
    if (packets === 0) continue;
    reasons[Reason[reason] ?? `Reason${reason}`] = packets;
    const verdict = verdictOf(reason);
    verdicts[verdict] = (verdicts[verdict] ?? 0) + packets;
  }
  const flowsInserted = of(Counter.FlowsInserted);
  return {
    packetsIn: of(Counter.PacketsIn),
    bytesIn: of(Counter.BytesIn),
    flowsInserted,
    flowsEvicted: of(Counter.FlowsEvicted),
    flowsExpired: of(Counter.FlowsExpired),
    flowsUntracked: of(Counter.FlowsUntracked),
    flows: flowsInserted - of(Counter.FlowsEvicted) - of(Counter.FlowsExpired),
    messagesTls: of(Counter.MessagesTls),
    messagesHttp: of(Counter.MessagesHttp),
    messagesQuic: of(Counter.MessagesQuic),
    messagesDns: of(Counter.MessagesDns),
    messagesSyn: of(Counter.MessagesSyn),
    pieces: of(Counter.Pieces),
    fakes: of(Counter.Fakes),
    passed: verdicts[Verdict.Pass] ?? 0,
    replaced: verdicts[Verdict.Replace] ?? 0,
    held: verdicts[Verdict.Hold] ?? 0,
    dropped: verdicts[Verdict.Drop] ?? 0,
    reasons,
    egressSent: of(Counter.EgressSent),
    egressRefused: of(Counter.EgressRefused),
    queueDropped: of(Counter.QueueDropped),
    queriesDropped: of(Counter.QueriesDropped),
    carriedDropped: of(Counter.CarriedDropped),
    answersDropped: of(Counter.AnswersDropped),
    turns: of(Counter.Turns),
    translationsMade: of(Counter.TranslationsMade),
    translationsExpired: of(Counter.TranslationsExpired),
    translationsEvicted: of(Counter.TranslationsEvicted),
    translationsRefused: of(Counter.TranslationsRefused),
  };
}

/** Messages by the index of the rule that decided them, of all lanes; each lane's figure counts modulo 2^32. */
export function readRuleCounts(memory: SharedArrayBuffer, rules: number): number[] {
  const sums = Array.from<number>({ length: rules }).fill(0);
  for (let lane = 0; lane < LANES_MAX; lane++) {
    const counts = new Uint32Array(memory, RULE_COUNTS_BASE + lane * RULE_COUNTS_BYTES, rules);
    for (let rule = 0; rule < rules; rule++) sums[rule] = (sums[rule] ?? 0) + (counts[rule] ?? 0);
  }
  return sums;
}
