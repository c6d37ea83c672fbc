import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";

/** How IPv4 identifications are chosen. */
export function ipId(plan: Plan, op: Operation): bool {
  plan.idScheme = <u8>op.value;
  return true;
}
