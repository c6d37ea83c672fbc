// The world of a system that carries everything by sockets: `server.ts CERTIFICATE KEY`. Says on a line of JSON each
// what it sees of the beginning of a TLS connection, before a real server answers it.
import { connect, createServer, type Socket } from "node:net";
import { RESOLVER, SERVER, TLS_PORT } from "./plan.ts";

const [certificate = "", key = ""] = process.argv.slice(2);
const LOOPBACK = "127.0.0.1";
const HANDSHAKE = 22;
const RECORD_HEADER_BYTES = 5;

const web = Bun.serve({
  ...{ hostname: LOOPBACK, port: 0 },
  tls: { cert: Bun.file(certificate), key: Bun.file(key) },
  fetch: () => new Response("hello\n"),
});

/** The records of the first message, by their octets. */
function recordsOf(octets: Buffer): number[] {
  const records: number[] = [];
  for (let at = 0; octets[at] === HANDSHAKE && at + RECORD_HEADER_BYTES <= octets.length;) {
    const bytes = octets.readUInt16BE(at + 3);
    records.push(bytes);
    at += RECORD_HEADER_BYTES + bytes;
  }
  return records;
}

function watched(client: Socket): void {
  const upstream = connect({ host: LOOPBACK, port: web.port ?? 0, noDelay: true });
  let heard = Buffer.alloc(0);
  client.on("data", (octets: Buffer) => (heard = Buffer.concat([heard, octets])));
  // The server answers when the whole message is there.
  upstream.once("data", () => console.log(JSON.stringify({ from: client.remoteAddress, records: recordsOf(heard) })));
  client.pipe(upstream).pipe(client);
  for (const socket of [client, upstream]) socket.on("error", () => client.destroy());
}

for (const host of [...Object.values(SERVER), ...Object.values(RESOLVER)]) {
  createServer({ noDelay: true }, watched).listen({ host, port: TLS_PORT });
}
console.log("serving");
