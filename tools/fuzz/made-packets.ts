// What a poll listed: where packets may lie, and what must hold for those that a plan made.
import { LANE_BYTES, LANE_HOLD, LANE_RX_SLOTS, LANE_TX_ARENA, LANE_TX_ARENA_BYTES, LANES_BASE } from "@bunnel/abi";
import type { Lane } from "@bunnel/engine";
import { decodePacket } from "@bunnel/wire";
import { law } from "./target.ts";

const IPV6_HEADER_BYTES = 40;
const IPV6_NEXT_HEADER = 6;
const IPV6_MTU_MIN_BYTES = 1280;
const TCP_DATA_OFFSET = 12;
const BAD_DATA_OFFSET = 4;
const ARENA_AT = LANES_BASE + LANE_TX_ARENA;
const ARENA_END = ARENA_AT + LANE_TX_ARENA_BYTES;
const SLOTS_AT = LANES_BASE + LANE_RX_SLOTS;
const HOLD_AT = LANES_BASE + LANE_HOLD;
const HOLD_END = LANES_BASE + LANE_BYTES;

/** Packets lie in the slots, in the arena, among what is held, or where the host placed them itself. */
export function isPacketPlace(at: number, bytes: number, lane: Lane): boolean {
  const end = at + bytes;
  if (at >= ARENA_AT && end <= ARENA_END) return true;
  if (at >= SLOTS_AT && end <= ARENA_AT) return true;
  return (at >= HOLD_AT && end <= HOLD_END) || lane.rx.at.includes(at);
}

/** True for an address in the tx arena, where the packets lie that a plan made. */
export function isMade(at: number): boolean {
  return at >= ARENA_AT && at < ARENA_END;
}

/**
 * A packet that a plan made can be read, but for a decoy that a wrong data offset damages; the way out takes it.
 * @throws BrokenLaw
 */
export function checkMade(packet: Uint8Array, mtuBytes: number): void {
  const isReadable = decodePacket(packet).family !== 0 || decodePacket(withDataOffset(packet)).family !== 0;
  law(isReadable, () => "plan: expected packets that can be read, found a malformed one");
  // RFC 8200 section 5: a link of IPv6 takes 1280 octets at least.
  const least = (packet[0] ?? 0) >> 4 === 6 ? IPV6_MTU_MIN_BYTES : 0;
  law(packet.length <= Math.max(mtuBytes, least), () => "plan: expected packets within the MTU, found a larger one");
}

/** Fooling.DataOffset leaves four words; with five everything else of the packet must hold. */
function withDataOffset(packet: Uint8Array): Uint8Array {
  const mended = packet.slice();
  const isV4 = (mended[0] ?? 0) >> 4 === 4;
  // A plan puts one hop-by-hop header of eight octets before the segment at most.
  const extension = mended[IPV6_NEXT_HEADER] === 0 ? 8 : 0;
  const l4Offset = isV4 ? ((mended[0] ?? 0) & 15) * 4 : IPV6_HEADER_BYTES + extension;
  const at = l4Offset + TCP_DATA_OFFSET;
  if ((mended[at] ?? 0) >> 4 === BAD_DATA_OFFSET) mended[at] = 0x50;
  return mended;
}
