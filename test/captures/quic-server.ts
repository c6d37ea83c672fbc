// A process on the server's machine: HTTP/3 by this run-time, and a DNS server that knows no name.
import { createSocket } from "node:dgram";
import { join } from "node:path";
import { QUIC } from "./network.ts";

const folder = process.argv[2] ?? "";
const tls = { cert: Bun.file(join(folder, "certificate.pem")), key: Bun.file(join(folder, "key.pem")) };
const NAME_ERROR = 3;

for (const hostname of [QUIC[4], QUIC[6]]) {
  Bun.serve({ hostname, port: 443, tls, http3: true, fetch: () => new Response("as asked\n") });
}
for (const [type, address] of [["udp4", QUIC[4]] as const, ["udp6", QUIC[6]] as const]) {
  const socket = createSocket(type);
  socket.on("message", (query, { port, address: sender }) => {
    // RFC 1035 section 4.1.1: the query itself, as an answer.
    query[2] = (query[2] ?? 0) | 0x80;
    query[3] = NAME_ERROR;
    socket.send(query, port, sender);
  });
  await new Promise<void>((resolve) => socket.bind(53, address, resolve));
}
console.log("ready");
