import { Decoy } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { STEP_REAL } from "../plan/step";
import { Operation } from "../rules/table";

/** A decoy of the whole message before its first real piece: a box that believes what it sees first reads the wrong name. */
export function fake(plan: Plan, message: Message, op: Operation, table: usize): bool {
  // A decoy that names nobody would carry the true message; without a fooling the endpoint would read it.
  if (op.decoy == Decoy.Name && message.hostBytes == 0) return false;
  if (op.foolings == 0) return false;
  let place = 0;
  while (place < plan.count && plan.step(place).kind != STEP_REAL) place++;
  let acted = false;
  for (let i = 0; i < op.repeats; i++) {
    if (!plan.insertFake(place, 0, message.bytes)) break;
    const step = plan.step(place);
    step.foolings = <u8>op.foolings;
    step.ttl = <u8>op.ttl;
    step.decoy = <u8>op.decoy;
    step.nameAt = <u32>(table + op.nameAt);
    step.nameBytes = op.nameBytes;
    acted = true;
  }
  return acted;
}
