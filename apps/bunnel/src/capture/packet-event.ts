// What the service tells of packets to those who capture: the events "packets" (all) and "messages" (those in which a
// message was found, those that were not let pass, and what left in their place).
import { L7, Reason, Verdict } from "@bunnel/abi";
import { CaptureKind, type CaptureRecord } from "@bunnel/backend";
import type { Rule } from "@bunnel/profile";
import * as v from "valibot";

const SIDES = ["before", "after", "released"] as const;

const packetSchema = v.object({
  /** Before or after the engine; released: its time to be held was over. */
  side: v.picklist(SIDES),
  /** Number of the packet that came up; what leaves for it bears the same. */
  number: v.number(),
  /** Milliseconds since 1970 UTC. */
  timeMs: v.number(),
  verdict: v.string(),
  reason: v.string(),
  /** "tls", "http", "quic", "dns", "syn"; absent: no message. */
  message: v.optional(v.string()),
  rule: v.optional(v.string()),
  /** Its place among those that leave for one packet, and how many these are. */
  index: v.number(),
  count: v.number(),
  delayMs: v.number(),
  /** In base64. */
  octets: v.pipe(v.string(), v.base64()),
});

const eventSchema = v.object({
  /** Copies that found no room since the capture began. */
  lost: v.number(),
  packets: v.array(packetSchema),
});

/** As it is said. */
export type PacketLine = v.InferOutput<typeof packetSchema>;
export type PacketEvent = v.InferOutput<typeof eventSchema>;

/** As it is used. */
export interface SeenPacket extends Omit<PacketLine, "octets"> {
  readonly octets: Uint8Array;
}

/** One copy as a line of the protocol. */
export function packetLine(record: CaptureRecord, rules: readonly Rule[]): PacketLine {
  const { kind, number, timeMs, verdict, reason, l7, index, count, delayMs, octets } = record;
  const rule = rules[record.rule]?.name;
  return {
    side: SIDES[kind] ?? SIDES[CaptureKind.Released],
    number,
    timeMs,
    verdict: Verdict[verdict] ?? String(verdict),
    reason: Reason[reason] ?? String(reason),
    ...(l7 !== L7.None && { message: (L7[l7] ?? String(l7)).toLowerCase() }),
    ...(rule !== undefined && { rule }),
    index,
    count,
    delayMs,
    octets: octets.toBase64(),
  };
}

/** What a service said. @throws ValiError when it is no such event */
export function readPacketEvent(data: unknown): { readonly lost: number; readonly packets: SeenPacket[] } {
  const { lost, packets } = v.parse(eventSchema, data);
  return { lost, packets: packets.map((line) => ({ ...line, octets: Uint8Array.fromBase64(line.octets) })) };
}

/** Whether it belongs to the event "messages". */
export function isOfMessage({ message, verdict, side }: PacketLine): boolean {
  return message !== undefined || verdict !== Verdict[Verdict.Pass] || side === "released";
}
