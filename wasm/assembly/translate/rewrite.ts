// Addresses and ports of a TCP segment replaced, and its checksums with them: by what has changed, not by summing it
// again (RFC 1624), so that a damaged packet stays damaged and a super-packet costs no more than a small one.
import { fold } from "../wire/checksum";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";

const IPV4_CHECKSUM: usize = 10;
const IPV4_SOURCE: usize = 12;
const TCP_CHECKSUM: usize = 16;

/** What a checksum field becomes when the words that sum to `old` become words that sum to `next`: both folded. */
export function changed(checksum: u32, old: u32, next: u32): u32 {
  return ~fold(<u64>(~checksum & 0xffff) + <u64>(~old & 0xffff) + <u64>next) & 0xffff;
}

/** Sum of both addresses of a packet, folded. */
function addressSum(p: usize, family: u32): u32 {
  if (family == 4) return fold(<u64>Ipv4.at(p).source + <u64>Ipv4.at(p).destination);
  const at = Ipv6.at(p).sourceAt;
  let sum: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) sum += load<u32>(at + i);
  return fold(sum);
}

/** Writes both addresses; of IPv4 the header checksum follows. Returns nothing of the transport header. */
export function setAddresses(p: usize, family: u32, source: usize, destination: usize): void {
  if (family == 6) {
    const at = Ipv6.at(p).sourceAt;
    v128.store(at, v128.load(source));
    v128.store(at, v128.load(destination), 16);
    return;
  }
  const old = addressSum(p, 4);
  store<u32>(p + IPV4_SOURCE, load<u32>(source));
  store<u32>(p + IPV4_SOURCE, load<u32>(destination), 4);
  const field = p + IPV4_CHECKSUM;
  store<u16>(field, <u16>changed(load<u16>(field), old, addressSum(p, 4)));
}

/**
 * The packet's source and destination become those whose addresses lie at `source` and `destination`; `ports`: both, as
 * the transport header has them. `checksumBytes`: octets of the transport header that there are, for a packet that is
 * quoted in part. A partial checksum is that of the pseudo header, in which no ports are.
 */
export function rewrite(
  p: usize,
  family: u32,
  l4Offset: i32,
  l4Bytes: i32,
  source: usize,
  destination: usize,
  ports: u32,
  isPartial: bool,
): void {
  const l4 = p + <usize>l4Offset;
  const oldAddresses = addressSum(p, family);
  const oldPorts = load<u32>(l4);
  setAddresses(p, family, source, destination);
  store<u32>(l4, ports);
  if (<i32>TCP_CHECKSUM + 2 > l4Bytes) return;
  const at = l4 + TCP_CHECKSUM;
  const checksum: u32 = load<u16>(at);
  const addresses = addressSum(p, family);
  if (isPartial) {
    store<u16>(at, <u16>fold(<u64>checksum + <u64>(~oldAddresses & 0xffff) + <u64>addresses));
    return;
  }
  const old = fold(<u64>oldAddresses + <u64>oldPorts);
  store<u16>(at, <u16>changed(checksum, old, fold(<u64>addresses + <u64>ports)));
}
