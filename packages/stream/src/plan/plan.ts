// A message and the operations of a strategy to what is sent, step by step. Decides everything; `loop/sender.ts` sends
// and decides nothing.
//
//   1. edits: what changes the length of the message, records and head
//   2. cuts: the message is taken apart at its points
//   3. marks: an urgent octet, a hop limit, a decoy, a wait
import type { Clause, Operation, PayloadSource, Point } from "@bunnel/profile";
import type { StreamMessage } from "../message/first-message.ts";
import { decoyOctets } from "./decoy.ts";
import { applyEdits, type Edit, type Edited } from "./edits.ts";
import { httpEdits } from "./http-edits.ts";
import { placeOfPoint } from "./points.ts";
import { recordEdits } from "./tls-records.ts";

/** One piece of the message, sent as a segment of its own. */
export interface Step {
  readonly octets: Uint8Array;
  /** The last octet is one more than the message has, and urgent. */
  readonly urgent: boolean;
  /** Sent with this hop limit; what is lost so, the system sends again with its own. */
  readonly hops?: number;
  /** Sent in the place of the octets, which are what the system sends again. As many. */
  readonly decoy?: Uint8Array;
  /** Waited behind it, in milliseconds. */
  readonly waitMs: number;
}

/** What is sent for a message; "drop": nothing, the connection ends. */
export type StreamPlan = readonly Step[] | "drop";

/** A record header stands before what numbers of `tlsrec` count. */
const RECORD_HEADER_BYTES = 5;
/** Without it two of five plain requests lost what came behind the urgent octet. */
const URGENT_WAIT_MS = 2;
/** A hop limit that no router passes on. */
const NOWHERE = 1;

/** The steps for the octets of a message. What follows the message in the stream is not the plan's concern. */
export function planMessage(
  octets: Uint8Array,
  message: StreamMessage,
  clause: Clause,
  source: PayloadSource,
): StreamPlan {
  const { operations } = clause;
  if (operations.some(({ technique }) => technique === "drop")) return "drop";
  const edited = applyEdits(octets, editsOf(octets, message, operations));
  const urgents = new Map<number, number>();
  const cuts = new Set<number>();
  for (const operation of operations) {
    for (const point of cutsOf(operation)) {
      const at = placeOfPoint(message, point);
      if (at === undefined) continue;
      const place = edited.placeOf(at);
      cuts.add(place);
      if (operation.technique === "oob") urgents.set(place, operation.octet);
    }
  }
  return mark(edited, pieces(edited.octets.length, cuts), urgents, message, operations, source);
}

function editsOf(octets: Uint8Array, message: StreamMessage, operations: readonly Operation[]): readonly Edit[] {
  if (message.kind === "http") return operations.flatMap((operation) => httpEdits(octets, message, operation));
  const points = operations.flatMap((operation) => (operation.technique === "tlsrec" ? operation.points : []));
  return recordEdits(
    octets,
    points.flatMap((point) => recordPlace(message, point) ?? []),
  );
}

function recordPlace(message: StreamMessage, point: Point): number | undefined {
  const isCounted = point.marker === "absolute" && point.offset > 0;
  return placeOfPoint(message, isCounted ? { ...point, offset: point.offset + RECORD_HEADER_BYTES } : point);
}

function cutsOf(operation: Operation): readonly Point[] {
  if (operation.technique === "split") return operation.points;
  return operation.technique === "oob" ? [operation.point] : [];
}

interface Piece {
  readonly start: number;
  readonly end: number;
}

function pieces(bytes: number, cuts: ReadonlySet<number>): readonly Piece[] {
  const edges = [0, ...[...cuts].filter((cut) => cut > 0 && cut < bytes).toSorted((a, b) => a - b), bytes];
  return edges.slice(1).map((end, index) => ({ start: edges[index] ?? 0, end }));
}

function mark(
  edited: Edited,
  cut: readonly Piece[],
  urgents: ReadonlyMap<number, number>,
  message: StreamMessage,
  operations: readonly Operation[],
  source: PayloadSource,
): readonly Step[] {
  const fake = operations.find((operation) => operation.technique === "fake");
  const decoy = fake && decoyOctets(fake.decoy, message, edited, source);
  const isTurned = operations.some(({ technique }) => technique === "disorder");
  return cut.map(({ start, end }, index): Step => {
    const isLast = index === cut.length - 1;
    const urgent = isLast ? undefined : urgents.get(end);
    const isLate = isTurned && !isLast;
    // Of pieces that come late anyway the last is left as it is: it is what arrives first.
    const isFaked = decoy !== undefined && (!isTurned || isLate) && urgent === undefined;
    const hops = isFaked ? fake?.foolings.ttl : isLate ? NOWHERE : undefined;
    const octets = edited.octets.subarray(start, end);
    return {
      octets: urgent === undefined ? octets : Uint8Array.of(...octets, urgent),
      urgent: urgent !== undefined,
      ...(hops !== undefined && { hops }),
      ...(isFaked && { decoy: decoy.subarray(start, end) }),
      waitMs: isLast ? 0 : waitOf(operations, urgent !== undefined),
    };
  });
}

function waitOf(operations: readonly Operation[], isUrgent: boolean): number {
  const delay = operations.find((operation) => operation.technique === "delay");
  const asked = delay ? delay.ms + Math.round(Math.random() * delay.jitterMs) : 0;
  return Math.max(asked, isUrgent ? URGENT_WAIT_MS : 0);
}
