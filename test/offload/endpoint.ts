// One end of the kernel's own sockets, a process of its own inside a namespace:
//   bun endpoint.ts serve ADDRESS…            echoes TCP streams and UDP datagrams; says "ready", ends with its stdin
//   bun endpoint.ts call ADDRESS BYTES COUNT  sends so many octets by TCP and so many datagrams, and says as one line
//                                             of JSON what came back
import { createSocket, type Socket } from "node:dgram";
import { connect, createServer } from "node:net";
import { buffer } from "node:stream/consumers";

const PORT = 5001;
/** A datagram that was lost, as datagrams may be, is sent again this often. */
const TRIES = 20;
const TRY_MS = 200;
const FLOWS = 4;

/** What came back of what was sent. */
export interface CallResult {
  readonly tcpIntact: boolean;
  /** Datagrams of which the same octets came back. */
  readonly udpIntact: number;
  readonly udpDamaged: number;
}

const [role = "", ...words] = Bun.argv.slice(2);
if (role === "serve") await serve(words);
else if (role === "call") {
  const [address = "", bytes = "", count = ""] = words;
  const tcpIntact = await callByTcp(address, Number(bytes));
  console.log(JSON.stringify({ tcpIntact, ...(await callByUdp(address, Number(count))) } satisfies CallResult));
  process.exit(0);
}

async function serve(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => server.listen(PORT, address, resolve));
    const echo = await bound(address, PORT);
    echo.on("message", (octets, peer) => echo.send(octets, peer.port, peer.address));
  }
  console.log("ready");
  for await (const _ of console);
  process.exit(0);
}

async function bound(address: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: address.includes(":") ? "udp6" : "udp4", recvBufferSize: 4_000_000 });
  await new Promise<void>((resolve) => socket.bind(port, address, resolve));
  return socket;
}

async function callByTcp(address: string, bytes: number): Promise<boolean> {
  const sent = patternOf(bytes, 1);
  const socket = connect({ host: address, port: PORT, allowHalfOpen: true });
  socket.end(sent);
  const came = await buffer(socket);
  return came.equals(sent);
}

/** All datagrams have one size, so that they can be merged, but for every eighth. */
function datagramOf(index: number): Buffer {
  const octets = patternOf(index % 8 === 7 ? 70 : 300, index);
  octets.writeUInt32BE(index);
  return octets;
}

async function callByUdp(address: string, count: number): Promise<Omit<CallResult, "tcpIntact">> {
  const missing = new Set(Array.from({ length: count }, (_, i) => i));
  let udpDamaged = 0;
  const sockets = await Promise.all(
    Array.from({ length: FLOWS }, () => bound(address.includes(":") ? "::" : "0.0.0.0", 0)),
  );
  for (const socket of sockets) {
    socket.on("message", (octets) => {
      const index = octets.readUInt32BE();
      if (octets.equals(datagramOf(index))) missing.delete(index);
      else udpDamaged++;
    });
  }
  for (let tried = 0; tried < TRIES && missing.size > 0; tried++) {
    for (const index of missing) sockets[(index >> 3) % FLOWS]?.send(datagramOf(index), PORT, address);
    await Bun.sleep(TRY_MS);
  }
  for (const socket of sockets) socket.close();
  return { udpIntact: count - missing.size, udpDamaged };
}

function patternOf(bytes: number, seed: number): Buffer {
  const octets = Buffer.alloc(bytes);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let i = 0; i < bytes; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    octets[i] = state;
  }
  return octets;
}
