// One end of the kernel's own sockets, a process of its own inside a namespace:
//   bun endpoint.ts serve ADDRESS…            answers transfers and echoes datagrams; says "ready", ends with its stdin
//   bun endpoint.ts call ADDRESS BYTES COUNT  transfers so many octets by TCP there and back, sends so many datagrams,
//                                             and says as one line of JSON what came of it
import { createSocket, type Socket } from "node:dgram";
import { contentOf } from "./content.ts";
import { serveTransfers, transfer, type Transfer } from "./tcp-transfer.ts";

const PORT = 5001;
/** A datagram that was lost, as datagrams may be, is sent again this often. */
const TRIES = 40;
const TRY_MS = 200;
const FLOWS = 4;
/** So many before the loop of events gets its turn: what a receive buffer holds. */
const BURST = 200;

const DATAGRAM_BYTES = 300;
const SHORT_DATAGRAM_BYTES = 70;
const DATAGRAM_STEP = 7919;
const CONTENT = [...contentOf(3, 1 << 20)];

/** What came back of what was sent. */
export interface CallResult {
  readonly tcp: Transfer;
  /** Datagrams of which the same octets came back. */
  readonly udpIntact: number;
  readonly udpDamaged: number;
}

const [role = "", ...words] = Bun.argv.slice(2);
if (role === "serve") await serve(words);
else if (role === "call") {
  const [address = "", bytes = "", count = ""] = words;
  const tcp = await transfer(address, PORT, Number(bytes));
  console.log(JSON.stringify({ tcp, ...(await callByUdp(address, Number(count))) } satisfies CallResult));
  process.exit(0);
}

async function serve(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    await serveTransfers(address, PORT);
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

/** All datagrams have one size, so that they can be merged, but for every eighth. */
function datagramOf(index: number): Buffer {
  const [block = new Uint8Array(0)] = CONTENT;
  const at = (index * DATAGRAM_STEP) % (block.length - DATAGRAM_BYTES);
  const octets = Buffer.from(block.subarray(at, at + (index % 8 === 7 ? SHORT_DATAGRAM_BYTES : DATAGRAM_BYTES)));
  octets.writeUInt32BE(index);
  return octets;
}

async function callByUdp(address: string, count: number): Promise<Omit<CallResult, "tcp">> {
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
    let sent = 0;
    for (const index of missing) {
      sockets[(index >> 3) % FLOWS]?.send(datagramOf(index), PORT, address);
      if (++sent % BURST === 0) await Bun.sleep(1);
    }
    await Bun.sleep(TRY_MS);
  }
  for (const socket of sockets) socket.close();
  return { udpIntact: count - missing.size, udpDamaged };
}
