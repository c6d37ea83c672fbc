import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { resolvePoint } from "../plan/point";
import { Operation } from "../rules/table";

/** Cuts at each point: a box that looks at single packets finds half a name in each. */
export function split(plan: Plan, message: Message, op: Operation): bool {
  let acted = false;
  for (let i = 0; i < op.pointCount; i++) {
    const at = resolvePoint(message, op.marker(i), op.offset(i));
    if (at > 0 && plan.cut(at)) acted = true;
  }
  return acted;
}
