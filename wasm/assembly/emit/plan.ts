// Executes a plan.
import { Counter } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { count } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { STEP_REAL } from "../plan/step";
import { makeDecoy } from "./decoy";
import { emitOctets, startSegments } from "./segment";

/** Sends every step in packets of at most `limit` octets of payload. False: no room. */
export function emitPlan(p: usize, m: Meta, message: Message, plan: Plan, limit: i32): bool {
  startSegments();
  const n = plan.count;
  for (let i = 0; i < n; i++) {
    const step = plan.step(i);
    const isReal = step.kind == STEP_REAL;
    const source = isReal ? message.at : makeDecoy(message, step);
    const bytes = step.to - step.from;
    const from = source + <usize>step.from;
    if (!emitOctets(p, m, from, step.from, bytes, limit, step.foolings, step.ttl, isReal)) return false;
  }
  const real = plan.realSteps;
  count(Counter.Pieces, real);
  count(Counter.Fakes, n - real);
  return true;
}
