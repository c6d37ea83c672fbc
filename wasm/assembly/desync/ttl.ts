import { Plan } from "../plan/plan";
import { STEP_REAL } from "../plan/step";
import { Operation } from "../rules/table";

/** Hop limit of the real packets. */
export function hopLimit(plan: Plan, op: Operation): bool {
  for (let i = 0; i < plan.count; i++) {
    const step = plan.step(i);
    if (step.kind == STEP_REAL) step.ttl = <u8>op.ttl;
  }
  return op.ttl > 0;
}
