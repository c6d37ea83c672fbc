// A DNS query that goes nowhere, because the host answers it: by HTTPS, or by the resolver that the rule names.
import { RESOLVER_BEFORE_BYTES, RESOLVER_V6_BYTES } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";

/** Writes before the packet which resolver is to be asked: the table may be another when the host comes to read it. */
export function answer(plan: Plan, m: Meta, message: Message, op: Operation, table: usize): bool {
  const place = message.at - <usize>m.payloadOffset - RESOLVER_BEFORE_BYTES;
  const bytes = min<i32>(op.nameBytes, RESOLVER_V6_BYTES);
  store<u16>(place, <u16>bytes);
  memory.copy(place + 2, table + op.nameAt, bytes);
  plan.isAnswered = 1;
  return true;
}
