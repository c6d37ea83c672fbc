// What was done to a packet, in one sentence: the comment that it bears in a capture.
import { printClause, readRuleStrategy, type Clause, type TechniqueName } from "@bunnel/profile";
import type { SeenExchange } from "./message-reader.ts";
import type { SentStep, StepKind } from "./sent-step.ts";

/** Which techniques make packets of a kind. */
const MAKERS: Readonly<Record<StepKind, readonly TechniqueName[]>> = {
  whole: ["disorder", "delay", "dup", "ttl", "tos", "window", "mss", "ipid"],
  piece: ["split", "fakedsplit", "hostfakesplit", "disorder", "seqovl"],
  overlap: ["seqovl"],
  changed: ["httphost", "udplen", "syndata"],
  decoy: ["fake", "fakedsplit", "hostfakesplit", "syndata"],
  forged: ["rst", "synack"],
  fragment: ["ipfrag"],
};

/** The clause of a rule's strategy that a message falls under; undefined where the strategy cannot be read. */
export function clauseFor(strategy: string | undefined, message: string | undefined): Clause | undefined {
  if (strategy === undefined || message === undefined) return undefined;
  try {
    return readRuleStrategy(strategy).strategy.clauses.find(({ kind }) => kind === message);
  } catch {
    return undefined;
  }
}

/** The techniques of the clause that can have made such a packet. */
export function techniquesOf(clause: Clause | undefined, { kind }: Pick<SentStep, "kind">): string[] {
  const names = (clause?.operations ?? []).map(({ technique }) => technique);
  return [...new Set(names.filter((name) => MAKERS[kind].includes(name)))];
}

/** The comment of the packet that came up. */
export function beforeComment(exchange: SeenExchange): string {
  const { before, held, host, bytes } = exchange;
  const message = before.message === undefined ? "no message" : `${before.message} message`;
  const parts = [
    before.rule === undefined ? "no rule" : `rule ${JSON.stringify(before.rule)}`,
    `${before.verdict.toLowerCase()} (${before.reason})`,
    host === undefined ? message : `${message} for ${host}`,
    `${bytes} octets`,
  ];
  if (held.length > 0) parts.push(`whole with ${held.length} held before it`);
  if (before.verdict === "Replace") parts.push(`${before.count} packets leave in its place`);
  return parts.join("; ");
}

/** The comment of a packet that left. @param index its place among those that left for the message */
export function afterComment(exchange: SeenExchange, index: number, strategy: string | undefined): string {
  const { before, after, steps, bytes } = exchange;
  const step = steps[index];
  if (step === undefined) return `${before.verdict.toLowerCase()} (${before.reason}): as it came`;
  const clause = clauseFor(strategy, before.message);
  const techniques = techniquesOf(clause, step);
  const parts = [
    before.rule === undefined ? "no rule" : `rule ${JSON.stringify(before.rule)}`,
    `step ${index + 1} of ${after.length}: ${stepText(step, bytes)}`,
    ...(techniques.length > 0 ? [`technique ${techniques.join(", ")}`] : []),
    ...(clause === undefined ? [] : [`strategy ${printClause(clause)}`]),
    `reason ${before.reason}`,
  ];
  return parts.join("; ");
}

/** One step in words. @param bytes octets of the message */
export function stepText({ kind, from, to, overlapBytes, marks, delayMs }: SentStep, bytes: number): string {
  const place = kind === "fragment" ? `octets ${from} to ${to} behind the IP header` : placeText(from, to, bytes);
  const parts = [kind, place];
  if (overlapBytes > 0) parts.push(`${overlapBytes} foreign octets before it`);
  parts.push(...marks);
  if (delayMs > 0) parts.push(`${delayMs} ms later`);
  return parts.filter((part) => part !== "").join(", ");
}

function placeText(from: number, to: number, bytes: number): string {
  if (to === from) return "";
  return `octets ${from} to ${to} of ${bytes}`;
}
