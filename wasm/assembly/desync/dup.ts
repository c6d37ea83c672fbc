import { Plan } from "../plan/plan";
import { STEP_BYTES, STEP_REAL } from "../plan/step";
import { Operation } from "../rules/table";

/** Sends each real piece so many times more: a box that hunts decoys by their likeness finds more alike. */
export function duplicate(plan: Plan, op: Operation): bool {
  let acted = false;
  for (let i = 0; i < plan.count; i++) {
    if (plan.step(i).kind != STEP_REAL) continue;
    let copies = 0;
    while (copies < op.repeats && plan.insert(i + 1 < plan.count ? i + 1 : i)) {
      memory.copy(changetype<usize>(plan.step(i + 1)), changetype<usize>(plan.step(i)), STEP_BYTES);
      copies++;
      acted = true;
    }
    i += copies;
  }
  return acted;
}
