// TCP through the device, from this machine to itself.
import { once } from "node:events";
import { connect, createServer } from "node:net";

export interface EchoOptions {
  /** The server's address, and the one by which it is asked. */
  readonly hostname: string;
  readonly other: string;
  readonly port: number;
  readonly octets: Uint8Array;
}

/** What a server gives back of the octets. */
export async function echoed({ hostname, other, port, octets }: EchoOptions): Promise<Uint8Array> {
  const server = createServer((socket) => socket.pipe(socket)).listen(port, hostname);
  await once(server, "listening");
  const socket = connect(port, other);
  socket.end(octets);
  const pieces: Uint8Array[] = [];
  for await (const piece of socket) pieces.push(piece as Uint8Array);
  server.close();
  return new Uint8Array(Buffer.concat(pieces));
}
