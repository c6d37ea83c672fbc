import { OpFlag } from "@bunnel/abi/src/index";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";
import { dress } from "./guise";

/** Decoys without payload that carry these flags. */
export function bare(plan: Plan, op: Operation, table: usize, flags: u32): bool {
  const place = (op.flags & OpFlag.After) != 0 ? plan.count : plan.front;
  let acted = false;
  for (let i = 0; i < op.repeats; i++) {
    if (!plan.insertFake(place, 0, 0)) break;
    const step = plan.step(place);
    dress(step, op, table);
    step.tcpFlags = <u16>flags;
    acted = true;
  }
  return acted;
}
