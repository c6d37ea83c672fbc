// Executes a plan.
import { Counter, Decoy } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { count } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { Step, STEP_REAL } from "../plan/step";
import { makeDecoy } from "./decoy";
import { foolingsFor } from "./fooling";
import { startHeaders } from "./headers";
import { emitStep } from "./segment";

/** Sends every step in packets of at most `limit` octets of payload and `mtu` octets in all. False: no room. */
export function emitPlan(p: usize, m: Meta, message: Message, plan: Plan, limit: i32, mtu: i32): bool {
  startHeaders();
  const n = plan.count;
  let delayMs: u32 = 0;
  let fakes = 0;
  let leftOut = 0;
  for (let i = 0; i < n; i++) {
    const step = plan.step(i);
    delayMs += step.delayMs;
    const isReal = step.kind == STEP_REAL;
    const foolings = isReal ? 0 : foolingsFor(p, m, step);
    if (!isReal) {
      // What the endpoint would take for true must not leave.
      if (foolings == 0 && step.foolings != 0) {
        leftOut++;
        continue;
      }
      fakes++;
    }
    const source = isReal ? realContent(message, step) : makeDecoy(m, message, step);
    if (!emitStep(p, m, plan, step, source, foolings, limit, mtu, delayMs, message.bytes)) return false;
  }
  count(Counter.Pieces, plan.realSteps);
  count(Counter.Fakes, fakes);
  if (leftOut > 0) count(Counter.FakesLeftOut, leftOut);
  return true;
}

/** The message's own octets; a SYN that is to carry data gets them from the table. */
function realContent(message: Message, step: Step): usize {
  return message.bytes == 0 && step.decoy == Decoy.Payload ? <usize>step.nameAt : message.at;
}
