import { L7 } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";

/** The MSS option of a SYN: the same by another way. */
export function mss(plan: Plan, message: Message, op: Operation): bool {
  if (message.l7 != L7.Syn) return false;
  plan.mss = <u16>op.word;
  return true;
}
