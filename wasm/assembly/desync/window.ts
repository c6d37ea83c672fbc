import { L7 } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";

/** The window, and on a SYN its scale: a server with little room cuts its answer into small segments. */
export function windowSize(plan: Plan, message: Message, op: Operation): bool {
  plan.window = <u16>op.word;
  plan.hasWindow = 1;
  if (message.l7 == L7.Syn && op.value >= 0) plan.windowScale = <u8>(op.value + 1);
  return true;
}
