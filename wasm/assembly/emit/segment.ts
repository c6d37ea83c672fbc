// Any step to packets: its octets in packets of at most so many, each with its headers and its checksum. Most steps are
// plainer: see plain.ts.
import { Fooling, LaneFlag } from "@bunnel/abi/src/index";
import { txAlloc, txList } from "../mem/arena";
import { copy } from "../mem/copy";
import { laneFlags } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Plan } from "../plan/plan";
import { Step, STEP_REAL } from "../plan/step";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/packet";
import { Tcp } from "../wire/tcp";
import { Udp } from "../wire/udp";
import { Vnet } from "../wire/vnet";
import { setTransportChecksum, spoilChecksum } from "./checksum";
import { fillPattern } from "./decoy";
import { emitFragments, FRAGMENT_HEADER_BYTES } from "./fragment";
import { fragmentId } from "./fields";
import { headerBytesFor, writeHeaders } from "./headers";

/**
 * Sends the step's octets, which lie from `source` on, in packets of at most `limit` octets of payload and `mtu` octets
 * in all, `delayMs` from now. `total` are the octets of the whole message. False: no room; what was listed is to be
 * rolled back.
 */
export function emitStep(
  p: usize,
  m: Meta,
  plan: Plan,
  step: Step,
  source: usize,
  foolings: u32,
  limit: i32,
  mtu: i32,
  delayMs: u32,
  total: i32,
): bool {
  const headers = headerBytesFor(p, m, plan, foolings);
  const room = min<i32>(limit, mtu - headers);
  if (room < 1) return false;
  // Octets of pattern stand before the content, and behind it: the sequence number of the first is lower by as many.
  const first = step.from - step.overlap;
  const end = step.to + max<i32>(step.trail, 0);
  const last = step.to + min<i32>(step.trail, 0);
  const stop = step.trail < 0 ? last : end;
  // A datagram is sent whole or not at all.
  const isWhole = m.protocol == PROTOCOL_UDP && step.kind == STEP_REAL && plan.cutsDatagrams == 0;
  if (isWhole && stop - first > room) return false;
  let at = first;
  do {
    const size = min<i32>(room, stop - at);
    const bytes = headers + size;
    const packet = txAlloc(bytes);
    if (packet == 0) return false;
    fillPayload(packet + <usize>headers, at, size, step, source, m);
    const isEnd = at + size >= total;
    const l4 = writeHeaders(packet, p, m, plan, step, foolings, bytes, at, isEnd);
    if (m.protocol == PROTOCOL_UDP) Udp.at(packet + <usize>l4).length = bytes - l4;
    setTransportChecksum(packet, bytes, m.family, m.protocol, l4);
    if ((foolings & Fooling.BadSum) != 0) spoilChecksum(packet, m.protocol, l4);
    if ((laneFlags & LaneFlag.TxVnet) != 0) Vnet.of(packet).clear();
    if (!send(packet, m, plan, step, l4, bytes, mtu, delayMs)) return false;
    at += size;
    // A message without octets is a SYN, which is one packet whatever it is to carry.
  } while (at < stop && total > 0);
  return true;
}

/** Octets `at` up to `at + size` of the step: pattern before its content, content, pattern behind it. */
function fillPayload(to: usize, at: i32, size: i32, step: Step, source: usize, m: Meta): void {
  const before = min<i32>(max<i32>(step.from - at, 0), size);
  if (before > 0) fillPattern(to, before, m, step);
  const from = max<i32>(at, step.from);
  const content = min<i32>(at + size, step.to) - from;
  if (content > 0) copy(to + <usize>before, source + <usize>from, content);
  const behind = size - before - max<i32>(content, 0);
  if (behind > 0) fillPattern(to + <usize>(size - behind), behind, m, step);
}

/** Lists the packet, or the fragments that the plan asks for in its place. */
function send(packet: usize, m: Meta, plan: Plan, step: Step, l4: i32, bytes: i32, mtu: i32, delayMs: u32): bool {
  const isWhole = m.family == 6 && plan.hopByHop != 0;
  const first = firstFragmentBytes(packet, m, plan, l4, mtu);
  if (!isWhole && first > 0 && step.kind == STEP_REAL && bytes - l4 > first) {
    return emitFragments(packet, m, l4, bytes, first, fragmentId(m), delayMs);
  }
  return txList(packet, bytes, delayMs);
}

/**
 * Octets behind the IP header in the first fragment: IPv6 wants the whole transport header there (RFC 7112), and its
 * fragment header needs room, too.
 */
function firstFragmentBytes(packet: usize, m: Meta, plan: Plan, l4: i32, mtu: i32): i32 {
  const wanted = plan.fragmentBytes;
  if (wanted == 0 || m.family == 4) return wanted;
  const fitting = min<i32>(wanted, (mtu - l4 - FRAGMENT_HEADER_BYTES) & ~7);
  if (m.protocol != PROTOCOL_TCP) return fitting;
  return max<i32>(fitting, (Tcp.at(packet + <usize>l4).headerBytes + 7) & ~7);
}
