import { Step } from "../plan/step";
import { Operation } from "../rules/table";

/** Gives a decoy what its operation says: content, foolings and their numbers. */
export function dress(step: Step, op: Operation, table: usize): void {
  step.foolings = <u16>op.foolings;
  step.ttl = <u8>op.ttl;
  step.decoy = <u8>op.decoy;
  step.flags = <u8>op.flags;
  step.nameAt = <u32>(table + op.nameAt);
  step.nameBytes = op.nameBytes;
  step.seqShift = op.value;
  step.ackShift = op.value2;
  step.tsShift = op.tsShift;
  step.autoDelta = <i8>op.autoDelta;
  step.autoMin = <u8>op.autoMin;
  step.autoMax = <u8>op.autoMax;
}
