import { OpFlag } from "@bunnel/abi/src/index";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";
import { TCP_ACK, TCP_RST } from "../wire/tcp";
import { bare } from "./forged-flags";

/** An RST before the message: a box may forget the connection, the endpoint never sees it. */
export function rst(plan: Plan, op: Operation, table: usize): bool {
  // Without a fooling the endpoint would end the connection.
  return op.foolings != 0 && bare(plan, op, table, (op.flags & OpFlag.RstAck) != 0 ? TCP_RST | TCP_ACK : TCP_RST);
}
