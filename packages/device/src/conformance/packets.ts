// Packets that a suite sends through a device. Sources: RFC 791, IEEE 802.3.
import type { Medium } from "../options.ts";

export const ETHERNET_HEADER_BYTES = 14;

/** An IPv4 UDP packet of `bytes` octets, 192.0.2.7:40000 to 203.0.113.9:9, payload counted up from `seed`. RFC 791. */
export function conformancePacket(bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(bytes);
  const view = new DataView(packet.buffer);
  view.setUint16(0, 0x4500);
  view.setUint16(2, bytes);
  view.setUint16(4, 0x1000 + seed);
  view.setUint16(8, 0x4011);
  packet.set([192, 0, 2, 7, 203, 0, 113, 9], 12);
  view.setUint16(10, ipv4Checksum(view));
  view.setUint16(20, 40000);
  view.setUint16(22, 9);
  view.setUint16(24, bytes - 20);
  for (let i = 28; i < bytes; i++) packet[i] = i + seed;
  return packet;
}

/** The same inside an Ethernet frame, from 02:00:00:00:00:07 to 02:00:00:00:00:09. */
export function conformanceFrame(bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + bytes);
  frame.set([2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 7, 0x08, 0x00]);
  frame.set(conformancePacket(bytes, seed), ETHERNET_HEADER_BYTES);
  return frame;
}

/** A packet of the medium, of `bytes` octets from the IP header on. */
export function packetOf(medium: Medium, bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  return medium === "ip" ? conformancePacket(bytes, seed) : conformanceFrame(bytes, seed);
}

function ipv4Checksum(view: DataView): number {
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
