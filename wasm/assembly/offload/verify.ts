// Whether a packet's checksums are right: what the kernel cuts from a merged packet has right ones, so a wrong one must
// not get in.
import { fold, sumOf } from "../wire/checksum";
import { Ipv4, IPV4_HEADER_BYTES } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { PROTOCOL_TCP } from "../wire/packet";
import { Vnet } from "../wire/vnet";
import { Item } from "./item";

export const TCP_CHECKSUM: i32 = 16;
export const UDP_CHECKSUM: i32 = 6;
const IPV4_CHECKSUM: usize = 10;
/** Of the two forms of zero the one that no sum of a header gives: a packet with it would not come back as it was. */
const OTHER_ZERO: u32 = 0xffff;

/** Where the transport checksum lies, from the transport header on. */
export function checksumOffset(item: Item): i32 {
  return item.protocol == PROTOCOL_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
}

/** Sum of the pseudo header over so many octets of transport header and payload. */
export function pseudoSum(item: Item, l4Bytes: i32): u64 {
  return pseudoSumAt(item.at, item, l4Bytes);
}

function pseudoSumAt(p: usize, item: Item, l4Bytes: i32): u64 {
  const protocol: u32 = item.protocol;
  if (item.family == 4) return Ipv4.at(p).pseudoSum(protocol, l4Bytes);
  return Ipv6.at(p).pseudoSum(protocol, l4Bytes);
}

/** Looks at an item of one packet. */
export function verify(item: Item): bool {
  return isSound(item.at, item, item.headerBytes + item.payloadBytes - item.l4Offset);
}

/**
 * Looks at the packet at `p`, which is of the item's family and protocol and has its transport header in the same
 * place. A partial checksum is right when its field holds the pseudo header's sum: the rest is added later, from the
 * octets as they are then.
 */
export function isSound(p: usize, item: Item, l4Bytes: i32): bool {
  if (item.family == 4) {
    if (load<u16>(p, IPV4_CHECKSUM) == OTHER_ZERO || fold(sumOf(p, IPV4_HEADER_BYTES)) != 0xffff) return false;
  }
  const l4 = p + <usize>item.l4Offset;
  const offset = checksumOffset(item);
  const field: u32 = load<u16>(l4 + <usize>offset);
  const pseudo = pseudoSumAt(p, item, l4Bytes);
  const vnet = Vnet.of(p);
  if (vnet.needsChecksum) {
    const isTransport = vnet.checksumStart == item.l4Offset && vnet.checksumOffset == offset;
    return isTransport && field == fold(pseudo);
  }
  if (item.protocol == PROTOCOL_TCP && field == OTHER_ZERO) return false;
  return fold(sumOf(l4, l4Bytes) + pseudo) == 0xffff;
}
