// Techniques that change fields of headers on the real packets. Each notes it in the plan; emission writes it.
import { L7 } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { STEP_REAL } from "../plan/step";
import { Operation } from "../rules/table";

/** The window, and on a SYN its scale: a server with little room cuts its answer into small segments. */
export function windowSize(plan: Plan, message: Message, op: Operation): bool {
  plan.window = <u16>op.word;
  plan.hasWindow = 1;
  if (message.l7 == L7.Syn && op.value >= 0) plan.windowScale = <u8>(op.value + 1);
  return true;
}

/** The MSS option of a SYN: the same by another way. */
export function mss(plan: Plan, message: Message, op: Operation): bool {
  if (message.l7 != L7.Syn) return false;
  plan.mss = <u16>op.word;
  return true;
}

/** Hop limit of the real packets. */
export function hopLimit(plan: Plan, op: Operation): bool {
  for (let i = 0; i < plan.count; i++) {
    const step = plan.step(i);
    if (step.kind == STEP_REAL) step.ttl = <u8>op.ttl;
  }
  return op.ttl > 0;
}

/** Traffic class of the real packets (type of service in IPv4). */
export function trafficClass(plan: Plan, op: Operation): bool {
  plan.tos = <u8>op.value;
  plan.hasTos = 1;
  return true;
}

/** How IPv4 identifications are chosen. */
export function ipId(plan: Plan, op: Operation): bool {
  plan.idScheme = <u8>op.value;
  return true;
}
