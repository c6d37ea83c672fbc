// A packet that no plan asks for leaves in the form that the way out takes.
import { LaneFlag, MetaFlag, Reason } from "@bunnel/abi/src/index";
import { finishChecksum } from "../emit/checksum";
import { emitPlan } from "../emit/plan";
import { Message } from "../l7/message";
import { txList } from "../mem/arena";
import { laneFlags, laneMtu } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/packet";
import { GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, Vnet } from "../wire/vnet";

/** What a packet says that is not done yet: there is no room, or the host has to answer first. */
export const NOT_YET: i32 = -1;

/** Lists the packet, as it is or cut and finished; returns what became of it, or NOT_YET. */
export function pass(p: usize, bytes: i32, m: Meta, reason: i32): i32 {
  if ((laneFlags & LaneFlag.RxVnet) == 0) {
    if ((laneFlags & LaneFlag.TxVnet) != 0) Vnet.of(p).clear();
    return txList(p, bytes) ? reason : NOT_YET;
  }
  if ((laneFlags & LaneFlag.TxVnet) != 0) return txList(p, bytes) ? reason : NOT_YET;
  const vnet = Vnet.of(p);
  const type = vnet.gsoType;
  if (type == GSO_NONE) {
    if (vnet.needsChecksum && !finishChecksum(p, bytes, vnet)) return Reason.DropBadOffload;
    return txList(p, bytes) ? reason : NOT_YET;
  }
  return cutSuperPacket(p, m, type);
}

/**
 * A super-packet for a way out that takes none: cut as the kernel would have. A fragment is none, whatever its virtio
 * header says: it may lack the transport header that each piece would need.
 */
function cutSuperPacket(p: usize, m: Meta, type: u32): i32 {
  if (m.family == 0 || (m.flags & MetaFlag.Fragment) != 0) return Reason.DropBadOffload;
  const isTcp = m.protocol == PROTOCOL_TCP && type == (m.family == 4 ? GSO_TCPV4 : GSO_TCPV6);
  const isUdp = m.protocol == PROTOCOL_UDP && type == GSO_UDP_L4;
  const limit = payloadLimit(p, m);
  if (!(isTcp || isUdp) || limit < 1 || m.payloadBytes == 0) return Reason.DropBadOffload;
  const message = Message.current;
  message.start(p + m.payloadOffset, m.payloadBytes);
  const plan = Plan.current;
  plan.start(m.payloadBytes);
  plan.cutsDatagrams = 1;
  return emitPlan(p, m, message, plan, limit, laneMtu) ? Reason.ReplaceSegmented : NOT_YET;
}

/**
 * Octets of payload that one packet may carry: the kernel's segment size where it gave one, else what the MTU leaves.
 */
export function payloadLimit(p: usize, m: Meta): i32 {
  const limit = laneMtu - <i32>m.payloadOffset;
  if ((laneFlags & LaneFlag.RxVnet) == 0) return limit;
  const vnet = Vnet.of(p);
  return vnet.gsoType != GSO_NONE && vnet.gsoBytes > 0 ? min<i32>(limit, vnet.gsoBytes) : limit;
}
