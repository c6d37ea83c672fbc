// Every law of a plan at once: a message, a strategy of up to six passes, a path, and a network that loses, doubles and
// reorders.
//   determinism     the same message over the same flow leaves as the same packets
//   idempotence     and so does its retransmission
//   endpoint        the endpoint reads what was sent, by whatever retransmissions it takes
//   conservation    packets in = passed + replaced + held + dropped
//   checksums       each packet has the right ones, where no pass spoils them
//   untouched       without rules each packet leaves as it came
import { Counter, COUNTERS_MAX, Fooling, type L7, LANE_COUNTERS, LANES_BASE, REASONS_MAX } from "@bunnel/abi";
import type { Engine } from "@bunnel/engine";
import { decodePacket, verifyChecksums } from "@bunnel/wire";
import fc from "fast-check";
import { type AnyMessage, anyMessage, anyStrategy } from "./arbitrary.ts";
import { Connection, type ConnectionOptions, KIND_PORTS } from "./connection.ts";
import { anyFaults, type Faults, sendUntilRead } from "./network.ts";
import { type Op, writeTable } from "./table-writer.ts";

/** A message, the strategy for it, and the path of its connection. */
export interface PlanCase extends AnyMessage {
  readonly ops: readonly Op[];
  /** In the place of the operations. */
  readonly table?: Uint8Array;
  readonly options: Omit<ConnectionOptions, "port">;
}

export interface NetworkCase extends PlanCase {
  readonly faults: Faults;
}

export const anyPath = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  firstSeq: fc.oneof(fc.nat(0xffff_ffff), fc.integer({ min: 0xffff_f000, max: 0xffff_ffff })),
  timestamps: fc.boolean(),
  segmentBytes: fc.constantFrom(1400, 1200, 536),
});

export function caseOf(strategy: (l7: L7.Tls | L7.Http) => fc.Arbitrary<readonly Op[]>): fc.Arbitrary<PlanCase> {
  return anyMessage.chain((message) =>
    fc.record({ ops: strategy(message.l7), options: anyPath }).map((chosen) => ({ ...message, ...chosen })),
  );
}

/** Any case of up to six passes, and what the network does to it. */
export const anyNetworkCase: fc.Arbitrary<NetworkCase> = fc
  .tuple(caseOf(anyStrategy), anyFaults)
  .map(([one, faults]) => ({ ...one, faults }));

/** Opens a connection whose messages get the strategy. */
export function connect(engine: Engine, { l7, ops, table, options }: PlanCase): Connection {
  engine.loadRules(table ?? writeTable(l7, ops));
  return new Connection(engine, { ...options, port: KIND_PORTS[l7] }).open();
}

/** @throws Error that names the law which the case breaks */
export function checkPlanLaws(engine: Engine, one: NetworkCase): void {
  const connection = connect(engine, one);
  const { packet, header } = connection.segment(one.octets, 0, one.octets.length);
  const first = connection.send(packet, header);
  law("idempotence", isSame(first.map(withoutFragmentId), connection.send(packet, header).map(withoutFragmentId)));
  law("checksums", spoils(one) || first.every((packet) => verifyChecksums(packet).transport !== false));
  // The clock and the packet's number go on with each packet, so the same one is made by the same steps.
  const anew = connect(engine, one);
  const same = anew.segment(one.octets, 0, one.octets.length);
  law("determinism", isSame(first, anew.send(same.packet, same.header)));
  sendUntilRead(anew, one.octets, one.faults);
  law("endpoint", anew.state === "established" && isSame([anew.stream], [one.octets]));
  law("conservation", isBalanced(engine));
  engine.unloadRules();
  if (header === undefined) law("untouched", isSame(anew.send(packet), [packet]));
}

/** A table that was not made of operations may spoil anything. */
function spoils({ ops, table }: PlanCase): boolean {
  return table !== undefined || ops.some(({ foolings = 0 }) => (foolings & Fooling.BadSum) !== 0);
}

/** Fragments of a retransmission have a number of their own, or they would be joined with those of the first copy. */
export function withoutFragmentId(packet: Uint8Array): Uint8Array {
  const { family, fragment } = decodePacket(packet);
  const copy = packet.slice();
  if (fragment && family === 4) for (const at of [4, 5, 10, 11]) copy[at] = 0;
  if (fragment && family === 6) copy.fill(0, 44, 48);
  return copy;
}

/** Packets in are those under all reasons together; read where lane 0 counts, which takes less than all counters. */
function isBalanced(engine: Engine): boolean {
  const words = new Uint32Array(engine.memory, LANES_BASE + LANE_COUNTERS, 2 * COUNTERS_MAX);
  let sum = 0;
  for (let reason = 0; reason < REASONS_MAX; reason++) sum += words[2 * (Counter.Reasons + reason)] ?? 0;
  return words[2 * Counter.PacketsIn] === sum && sum > 0;
}

function law(name: string, holds: boolean): void {
  if (!holds) throw new Error(`law of ${name}: expected it to hold, found it broken`);
}

function isSame(left: readonly Uint8Array[], right: readonly Uint8Array[]): boolean {
  if (left.length !== right.length) return false;
  return left.every((packet, i) => Buffer.compare(packet, right[i] ?? new Uint8Array()) === 0);
}
