// Strategies that packets cannot carry out, because they change how many octets a stream has (`tlsrec`, `oob`, changes
// to a request's head). Sockets carry them out, by the plan of the relay as it is shipped; what a box then sees is the
// connection of those sockets. Waits between pieces are left out: no box here has a clock for them.
import { egressOf, readRuleStrategy } from "@bunnel/profile";
import { planMessage, recognise } from "@bunnel/stream/plan";
import type { ClientPiece } from "../link/client.ts";
import { firstMessage, behindEmptyLines, joinedRecords } from "../message.ts";
import { concat } from "../octets.ts";

/** The pieces that are sent for a message. */
export type StreamPieces = (message: Uint8Array) => readonly ClientPiece[];

/** Seed of payloads that are built: fixed, so that equal runs are equal. */
const SOURCE = { named: {}, seed: 1 };

/**
 * What sockets make of messages by a strategy; undefined: packets carry it out, as `egress = "auto"` has it.
 * @throws ProfileError E_STRATEGY with what is wrong in the strategy
 */
export function streamPieces(text: string): StreamPieces | undefined {
  const { strategy } = readRuleStrategy(text);
  if (egressOf({ strategy, egress: "auto" }) === "packet") return undefined;
  return (octets) => {
    const message = recognise(octets);
    if (typeof message === "string") return [{ octets }];
    const clause = strategy.clauses.find(({ kind }) => kind === message.kind);
    if (clause === undefined) return [{ octets }];
    const plan = planMessage(octets, message, clause, SOURCE);
    return plan === "drop" ? [] : plan;
  };
}

/** What the server's program reads of the pieces: everything but the urgent octets. */
export function readableOf(pieces: readonly ClientPiece[]): Uint8Array {
  return concat(...pieces.map(({ octets, urgent = false }) => (urgent ? octets.subarray(0, -1) : octets)));
}

/** Whether what was read is the hello that was sent, records joined, or a request for the same host. */
export function saysTheSame(read: Uint8Array, message: Uint8Array, host: string): boolean {
  const found = firstMessage(behindEmptyLines(read));
  if (found?.host?.replace(/\.$/, "") !== host) return false;
  return found.kind === "http" || Buffer.compare(joinedRecords(read), joinedRecords(message)) === 0;
}
