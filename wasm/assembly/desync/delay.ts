import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";
import { nextRandom, seedOf } from "../wire/random";

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
