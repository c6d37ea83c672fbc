import { L7 } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";

/** Grows or shrinks a datagram: a box that knows a protocol by its sizes does not know this one. */
export function udplen(plan: Plan, message: Message, op: Operation, table: usize): bool {
  if (message.l7 != L7.Quic && message.l7 != L7.Dns) return false;
  if (op.value < 0 && -op.value >= message.bytes) return false;
  // A datagram is one packet.
  if (message.bytes + op.value > message.limit) return false;
  const step = plan.step(plan.firstReal);
  step.trail = op.value;
  step.decoy = <u8>op.decoy;
  step.nameAt = <u32>(table + op.nameAt);
  step.nameBytes = op.nameBytes;
  return op.value != 0;
}
