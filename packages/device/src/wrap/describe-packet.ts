// The shortest line about a packet that still says from where to where. Sources: RFC 791, RFC 8200, IEEE 802.3.
import type { Medium } from "../options.ts";

const ETHERNET_HEADER_BYTES = 14;
const ETHERTYPE_NAMES: Readonly<Record<number, string>> = { 0x0800: "IPv4", 0x0806: "ARP", 0x86dd: "IPv6" };
const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6" };

/** "UDP 192.0.2.7 > 203.0.113.9", "ARP 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff", "malformed". Never throws. */
export function describePacket(packet: Uint8Array, medium: Medium): string {
  if (medium === "ip") return describeIp(packet) ?? "malformed";
  if (packet.length < ETHERNET_HEADER_BYTES) return "malformed";
  const type = be16(packet, 12);
  const inside = type === 0x0800 || type === 0x86dd ? describeIp(packet.subarray(ETHERNET_HEADER_BYTES)) : undefined;
  if (inside !== undefined) return inside;
  const name = ETHERTYPE_NAMES[type] ?? `type 0x${type.toString(16).padStart(4, "0")}`;
  return `${name} ${mac(packet.subarray(6, 12))} > ${mac(packet.subarray(0, 6))}`;
}

function describeIp(packet: Uint8Array): string | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4 && packet.length >= 20) {
    return line(packet[9] ?? 0, packet.subarray(12, 16).join("."), packet.subarray(16, 20).join("."));
  }
  if (version === 6 && packet.length >= 40) {
    return line(packet[6] ?? 0, ipv6(packet.subarray(8, 24)), ipv6(packet.subarray(24, 40)));
  }
  return undefined;
}

function line(protocol: number, source: string, destination: string): string {
  return `${PROTOCOL_NAMES[protocol] ?? `protocol ${protocol}`} ${source} > ${destination}`;
}

/** The longest run of zero groups, of two or more and the first of several, is left out (RFC 5952 section 4.2). */
function ipv6(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => be16(octets, i * 2).toString(16));
  let from = -1;
  let count = 1;
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (groups[end] === "0") end++;
    if (end - i <= count) continue;
    from = i;
    count = end - i;
  }
  if (from < 0) return groups.join(":");
  return `${groups.slice(0, from).join(":")}::${groups.slice(from + count).join(":")}`;
}

function mac(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}

function be16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}
