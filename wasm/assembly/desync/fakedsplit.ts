import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { resolvePoint } from "../plan/point";
import { BELONGS_BEFORE, BELONGS_BEHIND, STEP_REAL } from "../plan/step";
import { Operation } from "../rules/table";
import { dress } from "./guise";

/** Each piece between two decoys of its place and size: a box cannot tell which of three copies the endpoint takes. */
export function fakedsplit(plan: Plan, message: Message, op: Operation, table: usize): bool {
  if (op.foolings == 0) return false;
  for (let i = 0; i < op.pointCount; i++) {
    const at = resolvePoint(message, op.marker(i), op.offset(i));
    if (at > 0) plan.cut(at);
  }
  if (plan.realSteps < 2) return false;
  let acted = false;
  // Each round steps over the piece and its twins; the plan's own limit bounds it.
  for (let i = 0; i < plan.count; i++) {
    const step = plan.step(i);
    if (step.kind != STEP_REAL) continue;
    const from = step.from;
    const to = step.to;
    const before = twins(plan, i, from, to, op, table, BELONGS_BEHIND);
    i += before;
    i += twins(plan, i + 1, from, to, op, table, BELONGS_BEFORE);
    if (before > 0) acted = true;
  }
  return acted;
}

/** Puts the decoys of one side of a piece; returns how many there was room for. */
function twins(plan: Plan, place: i32, from: i32, to: i32, op: Operation, table: usize, belongs: u8): i32 {
  let made = 0;
  while (made < op.repeats && plan.insertFake(place, from, to)) {
    const step = plan.step(place);
    dress(step, op, table);
    step.belongs = belongs;
    step.isPattern = 1;
    made++;
  }
  return made;
}
