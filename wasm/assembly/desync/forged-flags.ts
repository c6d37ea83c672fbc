import { OpFlag } from "@bunnel/abi/src/index";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";
import { TCP_ACK, TCP_RST, TCP_SYN } from "../wire/tcp";
import { dress } from "./guise";

/** A SYN,ACK of our own before the message: a box may take us for the server. */
export function synack(plan: Plan, op: Operation, table: usize): bool {
  return bare(plan, op, table, TCP_SYN | TCP_ACK);
}

/** An RST before the message: a box may forget the connection, the endpoint never sees it. */
export function rst(plan: Plan, op: Operation, table: usize): bool {
  // Without a fooling the endpoint would end the connection.
  return op.foolings != 0 && bare(plan, op, table, (op.flags & OpFlag.RstAck) != 0 ? TCP_RST | TCP_ACK : TCP_RST);
}

/** Decoys without payload that carry these flags. */
function bare(plan: Plan, op: Operation, table: usize, flags: u32): bool {
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
