// Executes a plan.
import { Counter, Decoy } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { count } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { Step, STEP_REAL } from "../plan/step";
import { isRenamed, makeDecoy } from "./decoy";
import { foolingsFor } from "./fooling";
import { startFields } from "./fields";
import { changesReal, isPlain, plainRoom, PlainStep, startPlain } from "./plain";
import { emitStep } from "./segment";

/** Sends every step in packets of at most `limit` octets of payload and `mtu` octets in all. False: no room. */
export function emitPlan(p: usize, m: Meta, message: Message, plan: Plan, limit: i32, mtu: i32): bool {
  startFields();
  startPlain(p, m);
  const room = plainRoom(m, plan, min<i32>(limit, mtu - <i32>m.payloadOffset));
  const realRoom = changesReal(plan) ? -1 : room;
  const n = plan.count;
  let delayMs: u32 = 0;
  let pieces = 0;
  let fakes = 0;
  let leftOut = 0;
  // The decoy that was made last, and where it lies: many strategies repeat it.
  let last: Step | null = null;
  let decoy: usize = 0;
  for (let i = 0; i < n; i++) {
    const step = plan.step(i);
    delayMs += step.delayMs;
    const isReal = step.kind == STEP_REAL;
    let foolings: u32 = 0;
    let source: usize = message.at;
    let renames = false;
    if (isReal) {
      pieces++;
      source = realContent(message, step);
    } else {
      foolings = foolingsFor(p, m, step);
      // What the endpoint would take for true must not leave.
      if (foolings == 0 && step.foolings != 0) {
        leftOut++;
        continue;
      }
      fakes++;
      // One that comes again is made once, one that stands alone is made in its packet.
      const again = last != null || (i + 1 < n && plan.step(i + 1).hasContentOf(step));
      if (!again && isRenamed(message, step) && isPlain(step, foolings, room)) renames = true;
      if (!renames) {
        if (last == null || !step.hasContentOf(last)) decoy = makeDecoy(m, message, step);
        last = step;
        source = decoy;
      }
    }
    const sent = isPlain(step, foolings, isReal ? realRoom : room)
      ? PlainStep.of(step).emit(p, m, message, plan, source, foolings, delayMs, renames)
      : emitStep(p, m, plan, step, source, foolings, limit, mtu, delayMs, message.bytes);
    if (!sent) return false;
  }
  count(Counter.Pieces, pieces);
  count(Counter.Fakes, fakes);
  if (leftOut > 0) count(Counter.FakesLeftOut, leftOut);
  return true;
}

/** The message's own octets; a SYN that is to carry data gets them from the table. */
function realContent(message: Message, step: Step): usize {
  return message.bytes == 0 && step.decoy == Decoy.Payload ? <usize>step.nameAt : message.at;
}
