// A strategy is a list of techniques; each is a pass over the plan.
import { L7, Technique } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Meta } from "../mem/meta";
import { HOP_BY_HOP_BYTES, Plan } from "../plan/plan";
import { opCount, Operation } from "../rules/table";
import { answer } from "./answer";
import { delay } from "./delay";
import { disorder } from "./disorder";
import { duplicate } from "./dup";
import { fake } from "./fake";
import { fakedsplit } from "./fakedsplit";
import { hostfakesplit } from "./hostfakesplit";
import { httpTrick } from "./http-trick";
import { ipfrag } from "./ipfrag";
import { ipId } from "./ipid";
import { mss } from "./mss";
import { rst } from "./rst";
import { seqovl, settleOverlaps } from "./seqovl";
import { split } from "./split";
import { synack } from "./synack";
import { syndata } from "./syndata";
import { trafficClass } from "./tos";
import { hopLimit } from "./ttl";
import { udplen } from "./udplen";
import { windowSize } from "./window";

/** Runs all passes. False: none could act, the message stays as it is. */
export function runStrategy(plan: Plan, m: Meta, message: Message, table: usize, strategy: usize): bool {
  const n = opCount(strategy);
  let acted = false;
  for (let i = 0; i < n; i++) {
    const op = Operation.at(table, strategy, i);
    if (runPass(plan, m, message, op, table)) acted = true;
  }
  settleOverlaps(plan, message, plan.hopByHop != 0 ? message.limit - HOP_BY_HOP_BYTES : message.limit);
  return acted;
}

function runPass(plan: Plan, m: Meta, message: Message, op: Operation, table: usize): bool {
  if ((message.l7 == L7.Quic || message.l7 == L7.Dns) && isForStreams(op.technique)) return false;
  switch (op.technique) {
    case Technique.Split:
      return split(plan, message, op);
    case Technique.Disorder:
      return disorder(plan);
    case Technique.Fake:
      return fake(plan, message, op, table);
    case Technique.SeqOvl:
      return seqovl(plan, message, op, table);
    case Technique.FakedSplit:
      return fakedsplit(plan, message, op, table);
    case Technique.HostFakeSplit:
      return hostfakesplit(plan, message, op, table);
    case Technique.SynData:
      return syndata(plan, message, op, table);
    case Technique.SynAck:
      return synack(plan, op, table);
    case Technique.Rst:
      return rst(plan, op, table);
    case Technique.Window:
      return windowSize(plan, message, op);
    case Technique.Mss:
      return mss(plan, message, op);
    case Technique.IpFrag:
      return ipfrag(plan, op);
    case Technique.UdpLen:
      return udplen(plan, message, op, table);
    case Technique.Drop:
      plan.isDropped = 1;
      return true;
    case Technique.Doh:
    case Technique.Redirect:
      return message.l7 == L7.Dns && answer(plan, m, message, op, table);
    case Technique.HttpTrick:
      return httpTrick(message, op);
    case Technique.IpId:
      return ipId(plan, op);
    case Technique.Duplicate:
      return duplicate(plan, op);
    case Technique.Delay:
      return delay(plan, m, op);
    case Technique.Ttl:
      return hopLimit(plan, op);
    case Technique.Tos:
      return trafficClass(plan, op);
    default:
      return false;
  }
}

/** A datagram is one packet: what cuts a stream, or lays octets over it, would make others of it. */
function isForStreams(technique: u32): bool {
  return technique == Technique.Split || technique == Technique.SeqOvl || technique == Technique.FakedSplit;
}
