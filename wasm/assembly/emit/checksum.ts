// Checksums of packets that leave: made whole for packets of our own, finished where the kernel left them half done.
import { fold, sumOf } from "../wire/checksum";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/packet";
import { Tcp } from "../wire/tcp";
import { Udp } from "../wire/udp";
import { Vnet } from "../wire/vnet";

const TCP_CHECKSUM: usize = 16;
const UDP_CHECKSUM: usize = 6;

/** Sum of the pseudo header of the packet at `p`. */
function pseudoSum(p: usize, family: u32, protocol: u32, l4Bytes: i32): u64 {
  return family == 4 ? Ipv4.at(p).pseudoSum(protocol, l4Bytes) : Ipv6.at(p).pseudoSum(protocol, l4Bytes);
}

/** Writes the transport checksum of the packet at `p` of `bytes` octets, whose transport header starts at `offset`. */
export function setTransportChecksum(p: usize, bytes: i32, family: u32, protocol: u32, offset: i32): void {
  const l4 = p + <usize>offset;
  const l4Bytes = bytes - offset;
  if (protocol == PROTOCOL_TCP) {
    const tcp = Tcp.at(l4);
    tcp.checksum = 0;
    tcp.checksum = ~fold(sumOf(l4, l4Bytes) + pseudoSum(p, family, protocol, l4Bytes));
  } else if (protocol == PROTOCOL_UDP) {
    const udp = Udp.at(l4);
    udp.checksum = 0;
    const sum = ~fold(sumOf(l4, l4Bytes) + pseudoSum(p, family, protocol, l4Bytes)) & 0xffff;
    udp.checksum = sum == 0 ? 0xffff : sum;
  }
}

/** Damages the transport checksum so that no arithmetic of ones and zeros makes it right again. */
export function spoilChecksum(p: usize, protocol: u32, offset: i32): void {
  const at = p + <usize>offset + (protocol == PROTOCOL_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
  const wrong = load<u16>(at) ^ 0x0101;
  // To UDP over IPv4 zero says that there is no checksum.
  store<u16>(at, wrong == 0 ? 0x0202 : wrong);
}

/**
 * Finishes a partial checksum: its field holds the pseudo header's sum. False: the header points outside the packet.
 */
export function finishChecksum(p: usize, bytes: i32, vnet: Vnet): bool {
  const start = vnet.checksumStart;
  const field = start + vnet.checksumOffset;
  if (start >= bytes || field + 2 > bytes) return false;
  const sum = ~fold(sumOf(p + <usize>start, bytes - start)) & 0xffff;
  // Zero means "none" to UDP, and 0xffff is the same number to TCP.
  store<u16>(p + <usize>field, <u16>(sum == 0 ? 0xffff : sum));
  return true;
}
