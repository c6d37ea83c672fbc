// A finished packet as two IP fragments (RFC 791 section 3.2, RFC 8200 section 4.5).
import { LaneFlag } from "@bunnel/abi/src/index";
import { txAlloc, txList } from "../mem/arena";
import { laneFlags } from "../mem/lane";
import { Meta } from "../mem/meta";
import { setBe16, setBe32 } from "../wire/be";
import { Ipv4, IPV4_MORE_FRAGMENTS } from "../wire/ipv4";
import { Ipv6, IPV6_FRAGMENT_HEADER, IPV6_HEADER_BYTES } from "../wire/ipv6";
import { Vnet } from "../wire/vnet";

export const FRAGMENT_HEADER_BYTES: i32 = 8;

/** Lists the packet as a fragment of `first` octets behind its IP header, a multiple of 8, and one of the rest. */
export function emitFragments(packet: usize, m: Meta, l4: i32, bytes: i32, first: i32, id: u32, delayMs: u32): bool {
  return (
    emitFragment(packet, m, l4, 0, first, true, id, delayMs) &&
    emitFragment(packet, m, l4, first, bytes - l4 - first, false, id, delayMs)
  );
}

function emitFragment(packet: usize, m: Meta, l4: i32, from: i32, size: i32, more: bool, id: u32, delayMs: u32): bool {
  // IPv6: whatever stands between the fixed header and the transport header is fragmented with it.
  const isV4 = m.family == 4;
  const unfragmentable = isV4 ? l4 : IPV6_HEADER_BYTES;
  const headers = isV4 ? l4 : IPV6_HEADER_BYTES + FRAGMENT_HEADER_BYTES;
  const extensions = l4 - unfragmentable;
  const begin = from == 0 ? 0 : from + extensions;
  const octets = from == 0 ? size + extensions : size;
  const total = headers + octets;
  const at = txAlloc(total);
  if (at == 0) return false;
  memory.copy(at, packet, unfragmentable);
  memory.copy(at + <usize>headers, packet + <usize>(unfragmentable + begin), octets);
  if (isV4) {
    const ip = Ipv4.at(at);
    // Not the packet's own: the kernel gives the numbers behind it to its next packets, and fragments of two would mix.
    ip.setLengthIdTtl(total, id, ip.ttl);
    ip.setFragment((<u32>begin >> 3) | (more ? IPV4_MORE_FRAGMENTS : 0));
  } else {
    const ip = Ipv6.at(at);
    const header = at + IPV6_HEADER_BYTES;
    store<u8>(header, <u8>ip.nextHeader);
    store<u8>(header, 0, 1);
    setBe16(header, 2, (<u32>begin & ~7) | (more ? 1 : 0));
    setBe32(header, 4, id);
    ip.setNextHeader(IPV6_FRAGMENT_HEADER);
    ip.setLengthHopLimit(total, ip.hopLimit);
  }
  if ((laneFlags & LaneFlag.TxVnet) != 0) Vnet.of(at).clear();
  return txList(at, total, delayMs);
}
