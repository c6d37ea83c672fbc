import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";
import { TCP_ACK, TCP_SYN } from "../wire/tcp";
import { bare } from "./forged-flags";

/** A SYN,ACK of our own before the message: a box may take us for the server. */
export function synack(plan: Plan, op: Operation, table: usize): bool {
  return bare(plan, op, table, TCP_SYN | TCP_ACK);
}
