// Which datagrams in fragments are carried on: the first fragment alone has the ports that decide, those behind it have
// its addresses and its number. This machine's own stack sends them in order.
import { CARRIED_FRAGMENT_MS, CARRIED_FRAGMENTS_MAX, LANE_FRAGMENT_BYTES, LANE_FRAGMENTS } from "@bunnel/abi/src/index";
import { keyed } from "../flow/table";
import { lane } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";

const BEGAN: usize = 8;
const IS_CARRIED: usize = 12;
const FRAGMENT_HEADER_BYTES: usize = 8;
/** RFC 791 section 3.1, RFC 8200 section 4.5: where the number stands in the header. */
const IDENTIFICATION4: usize = 4;
const IDENTIFICATION6: usize = 4;

/** What all fragments of the packet's datagram have in common; 0: it cannot be told. */
export function datagramOf(p: usize, m: Meta): u64 {
  if (m.family == 4) {
    const ip = Ipv4.at(p);
    const number: u64 = load<u16>(p + IDENTIFICATION4);
    return keyed(ip.source, 0, ip.destination, 0, (number << 16) | m.protocol) | 1;
  }
  // The header before the transport header: other extensions behind it are not this machine's stack.
  const header = p + <usize>m.l4Offset - FRAGMENT_HEADER_BYTES;
  if (<u32>load<u8>(header) != <u32>m.protocol) return 0;
  const ip = Ipv6.at(p);
  const number: u64 = load<u32>(header + IDENTIFICATION6);
  const source = ip.sourceAt;
  const destination = ip.destinationAt;
  const word = (number << 16) | m.protocol;
  return keyed(load<u64>(source), load<u64>(source, 8), load<u64>(destination), load<u64>(destination, 8), word) | 1;
}

/** Remembers what became of a first fragment, in its own place or in that of the oldest. */
export function noteFragments(datagram: u64, isCarried: bool, now: u32): void {
  let at = placeOf(datagram);
  if (at == 0) at = oldestPlace(now);
  store<u64>(at, datagram);
  store<u32>(at + BEGAN, now);
  store<u32>(at + IS_CARRIED, isCarried ? 1 : 0);
}

/** Whether the datagram's first fragment was carried on. */
export function isCarriedDatagram(datagram: u64, now: u32): bool {
  const at = placeOf(datagram);
  if (at == 0 || load<u32>(at + IS_CARRIED) == 0) return false;
  return <i32>(now - load<u32>(at + BEGAN)) < CARRIED_FRAGMENT_MS;
}

function placeAt(i: i32): usize {
  return lane + LANE_FRAGMENTS + <usize>i * LANE_FRAGMENT_BYTES;
}

/** Where the datagram stands; 0: nowhere. */
function placeOf(datagram: u64): usize {
  for (let i = 0; i < CARRIED_FRAGMENTS_MAX; i++) {
    if (load<u64>(placeAt(i)) == datagram) return placeAt(i);
  }
  return 0;
}

function oldestPlace(now: u32): usize {
  let oldest = placeAt(0);
  for (let i = 0; i < CARRIED_FRAGMENTS_MAX; i++) {
    const at = placeAt(i);
    if (load<u64>(at) == 0) return at;
    if (now - load<u32>(at + BEGAN) > now - load<u32>(oldest + BEGAN)) oldest = at;
  }
  return oldest;
}
