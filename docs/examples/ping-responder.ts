// Answers every ping into 192.0.2.0/24, as if each address of it were a host.
//
//   bun docs/examples/ping-responder.ts & ping 192.0.2.77
import { openTun } from "../../packages/tun/src/index.ts"; // "@bunnel/tun" from the registry
import { decodePacket, icmpEcho, PROTOCOL_ICMP } from "../../packages/wire/src/index.ts"; // "@bunnel/wire"

const ECHO_REQUEST = 8;

const ended = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => ended.abort());

await using tun = openTun({ addresses: ["192.0.2.1/24"], ipv6LinkLocal: "none" });
console.log(`${tun.name} answers`);

for await (const packet of tun.packets({ signal: ended.signal })) {
  const { protocol, source, destination, l4Offset, payload } = decodePacket(packet);
  if (protocol !== PROTOCOL_ICMP || packet[l4Offset] !== ECHO_REQUEST) continue;
  const header = new DataView(packet.buffer, packet.byteOffset + l4Offset);
  const [identifier, sequence] = [header.getUint16(4), header.getUint16(6)];
  tun.write(icmpEcho({ source: destination, destination: source, reply: true, identifier, sequence, payload }));
}
