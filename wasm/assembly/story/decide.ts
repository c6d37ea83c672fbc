// Message to rule to strategy to plan to packets.
import { Reason, RULE_EXCLUDE, RULE_STRATEGY } from "@bunnel/abi/src/index";
import { runStrategy } from "../desync/strategy";
import { emitPlan } from "../emit/plan";
import { Flow } from "../flow/table";
import { Message } from "../l7/message";
import { txBytes, txCount, txRollBack } from "../mem/arena";
import { laneMtu } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { STEP_REAL } from "../plan/step";
import { matchRule } from "../rules/match";
import { ruleAt, strategyAt } from "../rules/table";
import { NOT_YET } from "./pass";

/**
 * A message was found in the packet whose headers stand at `p`: a Replace or Drop reason when its plan was carried out,
 * else why it passes. Only the octets from `from` up to `to` are sent for real: a retransmission may carry a part.
 */
export function decide(
  p: usize,
  m: Meta,
  message: Message,
  rules: usize,
  limit: i32,
  from: i32,
  to: i32,
  isFirst: bool,
): i32 {
  const rule = matchRule(rules, p, m, message);
  if (rule < 0) return message.hostBytes == 0 ? Reason.PassNoHost : Reason.PassNoRule;
  m.rule = <u16>(rule + 1);
  const strategy: u32 = load<u16>(ruleAt(rules, rule) + RULE_STRATEGY);
  if (strategy == RULE_EXCLUDE) return Reason.PassExcluded;
  const plan = Plan.current;
  plan.start(message.bytes);
  message.limit = limit;
  if (!runStrategy(plan, m, message, rules, strategyAt(rules, strategy))) return Reason.PassNoPlan;
  if (plan.isDropped != 0) return Reason.DropRule;
  if (plan.isAnswered != 0) return Reason.DropAnswered;
  if (limit < 1) return Reason.PassNoPlan;
  // A part of a message with an overlap inside it leaves whole: the pattern may wait at the endpoint, and only the
  // piece before it, in one packet, overwrites it.
  const isPart = (from > 0 || to < message.bytes) && !plan.hasInnerOverlap;
  if (isPart && !clip(plan, from, to)) return Reason.PassNoPlan;
  const count0 = txCount;
  const bytes0 = txBytes;
  if (!emitPlan(p, m, message, plan, limit, laneMtu)) {
    if (!isFirst) return NOT_YET;
    // All the room there is was not enough for this plan: the message leaves as it came.
    txRollBack(count0, bytes0);
    return Reason.PassNoPlan;
  }
  if (m.flow != 0) note(Flow.of(m.flow), m, message);
  return Reason.ReplacePlanned;
}

/** Takes from the real steps what lies outside; false: nothing is left of them. */
function clip(plan: Plan, from: i32, to: i32): bool {
  let kept = 0;
  let real = 0;
  for (let i = 0; i < plan.count; i++) {
    const step = plan.step(i);
    if (step.kind == STEP_REAL) {
      const empty = step.from == step.to;
      if (step.from < from) {
        step.from = min<i32>(from, step.to);
        step.overlap = 0;
      }
      step.to = max<i32>(min<i32>(step.to, to), step.from);
      if (step.from == step.to && !empty) continue;
      real++;
    }
    if (kept != i) plan.swap(kept, i);
    kept++;
  }
  plan.count = kept;
  return real > 0;
}

function note(flow: Flow, m: Meta, message: Message): void {
  flow.rule = m.rule;
  flow.kind = message.l7;
  if (flow.planned < 255) flow.planned++;
}
