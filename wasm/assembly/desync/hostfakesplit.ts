import { OpFlag } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { BELONGS_BEFORE, BELONGS_BEHIND, STEP_REAL } from "../plan/step";
import { Operation } from "../rules/table";
import { dress } from "./guise";

/**
 * The host name in a piece of its own between decoys of another name: the overlap lies on the name and nowhere else.
 */
export function hostfakesplit(plan: Plan, message: Message, op: Operation, table: usize): bool {
  if (op.foolings == 0 || message.hostOffset < 0) return false;
  const from = message.hostOffset;
  const to = from + message.hostBytes;
  plan.cut(from);
  plan.cut(to);
  if ((op.flags & OpFlag.MidHost) != 0) plan.cut(from + (message.hostBytes >> 1));
  let first = -1;
  let last = -1;
  for (let i = 0; i < plan.count; i++) {
    const step = plan.step(i);
    if (step.kind != STEP_REAL || step.from < from || step.to > to) continue;
    if (first < 0) first = i;
    last = i;
  }
  if (first < 0) return false;
  const after = decoys(plan, last + 1, from, to, op, table, BELONGS_BEFORE);
  return decoys(plan, first, from, to, op, table, BELONGS_BEHIND) + after > 0;
}

/** Puts the decoys of one side of the name; returns how many there was room for. */
function decoys(plan: Plan, place: i32, from: i32, to: i32, op: Operation, table: usize, belongs: u8): i32 {
  let made = 0;
  while (made < op.repeats && plan.insertFake(place, from, to)) {
    const step = plan.step(place);
    dress(step, op, table);
    step.belongs = belongs;
    made++;
  }
  return made;
}
