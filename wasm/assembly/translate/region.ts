// What the host has set up for the translations, and the lock of whoever changes the table.
import {
  FLOW_SPINS_MAX,
  TRANSLATE_BASE,
  TRANSLATE_CAPACITY,
  TRANSLATE_LOCAL4,
  TRANSLATE_LOCAL6,
  TRANSLATE_LOCK,
  TRANSLATE_MASK4,
  TRANSLATE_OWN_CLIENTS,
  TRANSLATE_PEER4,
  TRANSLATE_PEER6,
  TRANSLATE_PORT_FIRST,
  TRANSLATE_PORTS,
  TRANSLATE_SPINS_MAX,
  TRANSLATE_TCP4,
  TRANSLATE_TCP6,
} from "@bunnel/abi/src/index";
import { IPV4_HEADER_BYTES, Ipv4 } from "../wire/ipv4";
import { Ipv6, IPV6_HEADER_BYTES } from "../wire/ipv6";

if (TRANSLATE_SPINS_MAX < FLOW_SPINS_MAX) ERROR("a sweep takes longer than a flow's bucket is held");

export function regionWord(at: usize): u32 {
  return load<u32>(<usize>TRANSLATE_BASE + at);
}

export function setRegionWord(at: usize, value: u32): void {
  store<u32>(<usize>TRANSLATE_BASE + at, value);
}

/** False: another lane holds it for too long. */
export function lockRegion(): bool {
  for (let i = 0; i < TRANSLATE_SPINS_MAX; i++) {
    if (atomic.cmpxchg<u32>(<usize>TRANSLATE_BASE + TRANSLATE_LOCK, 0, 1) == 0) return true;
  }
  return false;
}

export function unlockRegion(): void {
  atomic.store<u32>(<usize>TRANSLATE_BASE + TRANSLATE_LOCK, 0);
}

/** Port of the listener for flows of this family; 0: there is none. */
export function listenerPort(family: u32): u32 {
  return regionWord(family == 4 ? TRANSLATE_TCP4 : TRANSLATE_TCP6);
}

/** Where the device's own address of this family lies. */
export function localAddressAt(family: u32): usize {
  return <usize>TRANSLATE_BASE + (family == 4 ? TRANSLATE_LOCAL4 : TRANSLATE_LOCAL6);
}

/**
 * Whether the packet's destination is one of the device's link, or its source the device's own address, where that is
 * no client's. Such a packet must not leave by a socket: it would come up again.
 */
export function isOfLink(p: usize, bytes: i32): bool {
  const version = bytes < IPV4_HEADER_BYTES ? 0 : load<u8>(p) >> 4;
  const isOwnLink = regionWord(TRANSLATE_OWN_CLIENTS) == 0;
  if (version == 4) {
    const local = regionWord(TRANSLATE_LOCAL4);
    const mask = regionWord(TRANSLATE_MASK4);
    const ip = Ipv4.at(p);
    return local != 0 && (((ip.destination ^ local) & mask) == 0 || (isOwnLink && ip.source == local));
  }
  if (version != 6 || bytes < IPV6_HEADER_BYTES) return false;
  const local = localAddressAt(6);
  const prefix = load<u64>(local);
  const ip = Ipv6.at(p);
  if (prefix == 0) return false;
  if (load<u64>(ip.destinationAt) == prefix) return true;
  if (!isOwnLink) return false;
  return load<u64>(ip.sourceAt) == prefix && load<u64>(ip.sourceAt, 8) == load<u64>(local, 8);
}

/** Entry that stands for a destination of the link: its address at `at` and its port; -1: none does. */
export function entryOfPeer(family: u32, at: usize, port: u32): i32 {
  const ports = regionWord(TRANSLATE_PORTS);
  const number = port - TRANSLATE_PORT_FIRST;
  let address: u64;
  if (family == 4) {
    address = <u64>(bswap<u32>(load<u32>(at)) - bswap<u32>(regionWord(TRANSLATE_PEER4)));
  } else {
    const first = <usize>TRANSLATE_BASE + TRANSLATE_PEER6;
    if (load<u64>(at) != load<u64>(first)) return -1;
    address = bswap<u64>(load<u64>(at, 8)) - bswap<u64>(load<u64>(first, 8));
  }
  const capacity = regionWord(TRANSLATE_CAPACITY);
  if (number >= ports || address >= <u64>capacity) return -1;
  const index = address * ports + number;
  return index < <u64>capacity ? <i32>index : -1;
}

/** Writes the address of the peer that stands for an entry to `at`; of IPv4, four octets. */
export function writePeer(family: u32, index: u32, at: usize): void {
  const address = index / regionWord(TRANSLATE_PORTS);
  if (family == 4) {
    store<u32>(at, bswap<u32>(bswap<u32>(regionWord(TRANSLATE_PEER4)) + address));
    return;
  }
  const first = <usize>TRANSLATE_BASE + TRANSLATE_PEER6;
  store<u64>(at, load<u64>(first));
  store<u64>(at, bswap<u64>(bswap<u64>(load<u64>(first, 8)) + address), 8);
}

/** The peer's port, in this machine's order. */
export function peerPort(index: u32): u32 {
  return TRANSLATE_PORT_FIRST + (index % regionWord(TRANSLATE_PORTS));
}
