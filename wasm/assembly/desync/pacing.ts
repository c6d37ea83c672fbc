// Techniques that repeat real pieces or put time between them.
import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { STEP_BYTES, STEP_REAL } from "../plan/step";
import { Operation } from "../rules/table";
import { nextRandom, seedOf } from "../wire/random";

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

/** Time between the steps, with a jitter that is the same for the same packet: a box may give up waiting. */
export function delay(plan: Plan, m: Meta, op: Operation): bool {
  let state = seedOf(m.hash, m.seq);
  for (let i = 1; i < plan.count; i++) {
    state = nextRandom(state);
    const jitter = op.value > 0 ? (state >>> 1) % <u32>(op.value + 1) : 0;
    plan.step(i).delayMs = <u16>min<u32>(op.word + jitter, 0xffff);
  }
  return plan.count > 1;
}
