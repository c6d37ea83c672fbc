// An exchange as the page shows it.
import { printClause } from "@bunnel/profile";
import { clauseFor, stepText, techniquesOf } from "../capture/comment.ts";
import type { SeenExchange } from "../capture/message-reader.ts";
import type { ExchangeView } from "./contract.ts";

/** @param strategy of the rule that decided, where it is known */
export function exchangeView(exchange: SeenExchange, id: number, strategy: string | undefined): ExchangeView {
  const { before, after, protocol, source, destination, host, hostAt, bytes } = exchange;
  const { timeMs, message, rule, verdict, reason } = before;
  const clause = clauseFor(strategy, message);
  return {
    id,
    timeMs,
    protocol,
    source,
    destination,
    ...(message !== undefined && { message }),
    ...(host !== undefined && { host }),
    ...(hostAt !== undefined && { hostAt }),
    ...(rule !== undefined && { rule }),
    verdict,
    reason,
    bytes,
    sent: after.length,
    ...(clause !== undefined && { clause: printClause(clause) }),
    steps: exchange.steps.map((step) => {
      return { ...step, techniques: techniquesOf(clause, step), text: stepText(step, bytes) };
    }),
  };
}
