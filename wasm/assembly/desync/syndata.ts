import { Decoy, L7 } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";

/** A payload on the SYN: a server without TCP Fast Open acknowledges the SYN alone, a box may read what it carries. */
export function syndata(plan: Plan, message: Message, op: Operation, table: usize): bool {
  // A SYN with data is Fast Open (RFC 7413): those octets are the application's.
  if (message.l7 != L7.Syn || message.bytes > 0 || op.nameBytes == 0 || message.limit < 1) return false;
  const step = plan.step(plan.firstReal);
  step.to = min<i32>(op.nameBytes, message.limit);
  step.decoy = <u8>Decoy.Payload;
  step.nameAt = <u32>(table + op.nameAt);
  step.nameBytes = op.nameBytes;
  return true;
}
