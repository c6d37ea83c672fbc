import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";

/** Traffic class of the real packets (type of service in IPv4). */
export function trafficClass(plan: Plan, op: Operation): bool {
  plan.tos = <u8>op.value;
  plan.hasTos = 1;
  return true;
}
