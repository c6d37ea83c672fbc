import { Decoy, L7, OpFlag } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { EXTENSION_HEADER_BYTES, RECORD_MAX_BYTES } from "../l7/tls-hello";
import { Plan } from "../plan/plan";
import { Operation } from "../rules/table";
import { dress } from "./guise";

/** Octets that a decoy of this payload has: those of the message, where it is to be padded and can be. */
function paddedBytes(message: Message, flags: u32, payloadBytes: i32): i32 {
  const isWanted = (flags & OpFlag.PadEncap) != 0 && message.bytes <= RECORD_MAX_BYTES;
  return isWanted && message.bytes - payloadBytes >= EXTENSION_HEADER_BYTES ? message.bytes : payloadBytes;
}

/** A decoy of the whole message before its pieces: a box that believes what it sees first reads the wrong name. */
export function fake(plan: Plan, message: Message, op: Operation, table: usize): bool {
  // A decoy that names nobody would carry the true message.
  if (op.decoy == Decoy.Name && message.hostOffset < 0) return false;
  // Without a fooling a TCP endpoint would read it; QUIC and DNS endpoints discard what is not for them.
  if (op.foolings == 0 && <i32>message.l7 <= L7.Http) return false;
  const isOwn = op.decoy == Decoy.Payload;
  const bytes = isOwn ? paddedBytes(message, op.flags, op.nameBytes) : message.bytes;
  const place = (op.flags & OpFlag.After) != 0 ? plan.count : plan.front;
  let acted = false;
  for (let i = 0; i < op.repeats; i++) {
    if (!plan.insertFake(place, 0, bytes)) break;
    dress(plan.step(place), op, table);
    acted = true;
  }
  return acted;
}
