// A host on an Ethernet of its own, made of a TAP device: it says who has 192.0.2.9 (ARP, RFC 826) and answers pings.
//
//   bun docs/examples/tap-arp.ts & ping 192.0.2.9 ; ip neigh
import { openTap } from "../../packages/tun/src/index.ts"; // "@bunnel/tun" from the registry
import { decodePacket, icmpEcho, PROTOCOL_ICMP } from "../../packages/wire/src/index.ts"; // "@bunnel/wire"

const MAC = Uint8Array.of(0x02, 0x00, 0x5e, 0x00, 0x53, 0x09);
const ADDRESS = Uint8Array.of(192, 0, 2, 9);
const ETHERNET_HEADER_BYTES = 14;
const ARP = 0x0806;
const IPV4 = 0x0800;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const ECHO_REQUEST = 8;

const ended = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => ended.abort());

await using tap = openTap({ addresses: ["192.0.2.1/24"], ipv6LinkLocal: "none" });
console.log(`${tap.name} has a host`);

for await (const frame of tap.packets({ signal: ended.signal })) {
  const type = new DataView(frame.buffer, frame.byteOffset).getUint16(12);
  const payload = frame.subarray(ETHERNET_HEADER_BYTES);
  const answer = type === ARP ? arpReply(payload) : type === IPV4 ? echoReply(payload) : undefined;
  if (answer === undefined) continue;
  // The frame goes back to where it came from: destination, source, type.
  tap.writev([frame.subarray(6, 12), MAC, frame.subarray(12, ETHERNET_HEADER_BYTES), answer]);
}

/** | hardware 1 | protocol 0x0800 | 6 | 4 | operation | sender mac | sender ip | target mac | target ip | */
function arpReply(request: Uint8Array): Uint8Array | undefined {
  const isForUs = request[7] === ARP_REQUEST && ADDRESS.every((octet, i) => request[24 + i] === octet);
  if (!isForUs) return undefined;
  const reply = request.slice(0, 28);
  reply[7] = ARP_REPLY;
  reply.set(request.subarray(8, 18), 18);
  reply.set(MAC, 8);
  reply.set(ADDRESS, 14);
  return reply;
}

function echoReply(packet: Uint8Array): Uint8Array | undefined {
  const { protocol, source, destination, l4Offset, payload } = decodePacket(packet);
  const isForUs = destination === ADDRESS.join(".");
  if (!isForUs || protocol !== PROTOCOL_ICMP || packet[l4Offset] !== ECHO_REQUEST) return undefined;
  const header = new DataView(packet.buffer, packet.byteOffset + l4Offset);
  const [identifier, sequence] = [header.getUint16(4), header.getUint16(6)];
  return icmpEcho({ source: destination, destination: source, reply: true, identifier, sequence, payload });
}
