import { HOLD_MESSAGE_MAX_BYTES, OpFlag } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { resolvePoint } from "../plan/point";
import { Step, STEP_REAL } from "../plan/step";
import { Operation } from "../rules/table";

/**
 * Widens a piece to the left by octets of a pattern. The first piece: they lie before the window, and the endpoint
 * trims them. The second: the true first piece overwrites them, because the endpoint delivers that one at once.
 */
export function seqovl(plan: Plan, message: Message, op: Operation, table: usize): bool {
  // What a SYN carries comes from the table: there is no stream yet that octets could lie before.
  if (message.bytes == 0) return false;
  const octets = op.pointCount > 0 ? resolvePoint(message, op.marker(0), op.offset(0)) : op.value;
  if (octets < 1 || octets >= 0x10000) return false;
  const isSecond = (op.flags & OpFlag.OverlapSecond) != 0;
  const step = isSecond ? secondPiece(plan) : firstPiece(plan);
  // An overlap that begins where the endpoint waits would be read: it has to stay behind the first octet.
  if (step == null || (isSecond && octets >= step.from)) return false;
  // The pattern and its piece leave in one packet, or a box could read the piece alone.
  if (octets + step.to - step.from > message.limit) return false;
  step.overlap = octets;
  plan.hasOverlap = 1;
  step.decoy = <u8>op.decoy;
  step.nameAt = <u32>(table + op.nameAt);
  step.nameBytes = op.nameBytes;
  return true;
}

/** The real step with the message's first octet. */
function firstPiece(plan: Plan): Step | null {
  for (let i = 0; i < plan.count; i++) {
    const step = plan.step(i);
    if (step.kind == STEP_REAL && step.from == 0) return step;
  }
  return null;
}

/** The real step behind the first piece in the stream, whenever it leaves. */
function secondPiece(plan: Plan): Step | null {
  const first = firstPiece(plan);
  if (first == null) return null;
  for (let i = 0; i < plan.count; i++) {
    const step = plan.step(i);
    if (step.kind == STEP_REAL && step.from == first.to) return step;
  }
  return null;
}

/**
 * Takes back what later passes made unsafe: an overlap inside the message has to lie within the piece before it, and
 * that piece has to leave in one packet of at most `limit` octets. Otherwise a part of the piece would arrive alone,
 * and the endpoint would read the pattern behind it. So would a part of it that is sent again, where the message is too
 * long to be remembered and the part is not known for one.
 */
export function settleOverlaps(plan: Plan, message: Message, limit: i32): void {
  if (plan.hasOverlap == 0) return;
  const isKept = message.bytes <= HOLD_MESSAGE_MAX_BYTES;
  for (let i = 0; i < plan.count; i++) {
    const step = plan.step(i);
    if (step.kind != STEP_REAL || step.overlap == 0 || step.from == 0) continue;
    if (!isKept || !isBehindWhole(plan, step, limit)) step.overlap = 0;
  }
}

/** Whether every real step that ends where this one starts is such a piece: copies of one may have been cut apart. */
function isBehindWhole(plan: Plan, step: Step, limit: i32): bool {
  let found = false;
  for (let i = 0; i < plan.count; i++) {
    const before = plan.step(i);
    if (before.kind != STEP_REAL || before.to != step.from) continue;
    const bytes = before.to - before.from;
    if (bytes > limit || step.overlap >= bytes) return false;
    found = true;
  }
  return found;
}
