import { OpFlag } from "@bunnel/abi/src/index";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";

/**
 * Sends packets as IP fragments, or IPv6 behind a hop-by-hop header: a box that does not join fragments or walk headers
 * sees no payload.
 */
export function ipfrag(plan: Plan, op: Operation): bool {
  if ((op.flags & OpFlag.HopByHop) != 0) plan.hopByHop = 1;
  if (op.value >= 8) plan.fragmentBytes = op.value & ~7;
  return plan.hopByHop != 0 || plan.fragmentBytes != 0;
}
