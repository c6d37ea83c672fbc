// Totals of two moments as figures a second.
import type { RateView, StatusView } from "./contract.ts";

/** Undefined: there is no moment before, or another service was there then. */
export function rateBetween(before: StatusView | undefined, now: StatusView, nowMs: number): RateView | undefined {
  if (before === undefined || before.pid !== now.pid) return undefined;
  const seconds = (now.uptimeMs - before.uptimeMs) / 1000;
  if (seconds <= 0) return undefined;
  const rate = (name: "bytesIn" | "passed" | "replaced" | "held" | "dropped" | "flowsInserted"): number =>
    Math.max(0, (now[name] - before[name]) / seconds);
  return {
    time: nowMs / 1000,
    bytes: rate("bytesIn"),
    passed: rate("passed"),
    replaced: rate("replaced"),
    held: rate("held"),
    dropped: rate("dropped"),
    flows: now.flows,
    flowsNew: rate("flowsInserted"),
  };
}
