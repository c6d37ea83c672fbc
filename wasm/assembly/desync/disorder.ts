import { Plan } from "../plan/plan";

/**
 * Last piece first: a box that reads in order of arrival loses the host name, the endpoint sorts by sequence number.
 */
export function disorder(plan: Plan): bool {
  return plan.reverseReal();
}
