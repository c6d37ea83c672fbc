// A UDP echo service (RFC 862) on every address and port of 192.0.2.0/24 and 2001:db8:2::/64, without a socket.
//
//   bun docs/examples/udp-echo.ts & echo hello | nc -u -w 1 192.0.2.9 7
import { openTun } from "../../packages/tun/src/index.ts"; // "@bunnel/tun" from the registry
import { decodePacket, PROTOCOL_UDP, udpPacket } from "../../packages/wire/src/index.ts"; // "@bunnel/wire"

const ended = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => ended.abort());

await using tun = openTun({ addresses: ["192.0.2.1/24", "2001:db8:2::1/64"], ipv6LinkLocal: "none" });
console.log(`${tun.name} echoes`);

for await (const packet of tun.packets({ signal: ended.signal })) {
  const question = decodePacket(packet);
  if (question.family === 0 || question.protocol !== PROTOCOL_UDP || question.fragment) continue;
  const answer = udpPacket({
    source: question.destination,
    destination: question.source,
    sourcePort: question.destinationPort,
    destinationPort: question.sourcePort,
    payload: question.payload,
  });
  await tun.send(answer, { signal: ended.signal });
}
