// A process on a server's machine: HTTP/3 by this run-time, and a DNS server that knows no name. Its words are a folder
// with certificate and key, and the addresses to listen on.
import { createSocket } from "node:dgram";
import { join } from "node:path";

const [folder = "", ...addresses] = process.argv.slice(2);
const tls = { cert: Bun.file(join(folder, "certificate.pem")), key: Bun.file(join(folder, "key.pem")) };
const NAME_ERROR = 3;

/** A word, or some dozens of datagrams. */
function answer({ url }: Request): Response {
  return new Response(url.endsWith("/large") ? "large ".repeat(10_000) : "as asked\n");
}

for (const hostname of addresses) {
  // Without HTTP/1 it needs no TCP port, which somebody else may have.
  Bun.serve({ hostname, port: 443, tls, http3: true, http1: false, fetch: answer });
}
for (const address of addresses) {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.on("message", (query, { port, address: sender }) => {
    // RFC 1035 section 4.1.1: the query itself, as an answer.
    query[2] = (query[2] ?? 0) | 0x80;
    query[3] = NAME_ERROR;
    socket.send(query, port, sender);
  });
  await new Promise<void>((resolve) => socket.bind(53, address, resolve));
}
console.log("ready");
