// Packets for the tests of rows. Sources: RFC 791, RFC 768.

/** An IPv4 UDP datagram of `bytes` octets in all, without a UDP checksum. */
export function ipPacket(source: string, destination: string, bytes: number, sourcePort = 40000): Uint8Array {
  const packet = new Uint8Array(bytes);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0, bytes >> 8, bytes & 0xff, 0, 0, 0x40, 0, 64, 17]);
  packet.set(octetsOf(source), 12);
  packet.set(octetsOf(destination), 16);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
  view.setUint16(20, sourcePort);
  view.setUint16(22, 9);
  view.setUint16(24, bytes - 20);
  return packet;
}

function octetsOf(address: string): number[] {
  return address.split(".").map(Number);
}
