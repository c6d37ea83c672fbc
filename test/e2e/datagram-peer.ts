// Both ends of the datagrams that stream egress is tried with: `datagram-peer.ts serve ADDRESS…` and
// `datagram-peer.ts ask ADDRESS WHAT`, which prints a line of JSON.
import { createSocket, type Socket } from "node:dgram";

/** Gives back what it gets, to whoever sent it. */
export const ECHO_UDP_PORT = 7011;
/** Answers with the port of whoever asks. */
export const WHO_PORT = 7012;
/** Nobody listens. */
export const CLOSED_UDP_PORT = 7013;

/** What a client can try. */
export type DatagramQuestion = "sizes" | "sessions" | "closed" | "who" | "burst";

const SIZES = [0, 1, 512, 1200, 1472, 1473, 4000, 20_000, 65_000];
const SESSIONS = 1000;
const BURST = 200;
const QUESTION_MS = 20_000;
const AGAIN_MS = 500;

function serve(addresses: readonly string[]): void {
  for (const address of addresses) {
    const type = address.includes(":") ? "udp6" : "udp4";
    const echo = createSocket({ type, recvBufferSize: 4_000_000, sendBufferSize: 4_000_000 });
    echo.on("message", (message, from) => echo.send(message, from.port, from.address));
    echo.bind(ECHO_UDP_PORT, address);
    const who = createSocket(type);
    who.on("message", (_, from) => who.send(`${from.address} ${from.port}`, from.port, from.address));
    who.bind(WHO_PORT, address);
  }
  console.log("serving");
}

interface Heard {
  readonly from: string;
  readonly octets: Uint8Array;
}

/** A socket whose answers can be waited for one by one. */
class Client {
  readonly #socket: Socket;
  readonly #heard: Heard[] = [];
  error: string | undefined;

  constructor(readonly host: string) {
    this.#socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4", recvBufferSize: 4_000_000 });
    this.#socket.on("message", (octets, from) => this.#heard.push({ from: `${from.address} ${from.port}`, octets }));
    this.#socket.on("error", (error: NodeJS.ErrnoException) => (this.error = error.code ?? error.message));
  }

  connect(port: number): Promise<void> {
    return new Promise((resolve) => this.#socket.connect(port, this.host, resolve));
  }

  send(octets: Uint8Array, port?: number): void {
    const done = (error: Error | null): void => {
      if (error) this.error = (error as NodeJS.ErrnoException).code ?? error.message;
    };
    if (port === undefined) this.#socket.send(octets, done);
    else this.#socket.send(octets, port, this.host, done);
  }

  /** Sends until it is answered, as whoever uses datagrams does. */
  async ask(octets: Uint8Array, port: number): Promise<Heard | undefined> {
    for (let left = QUESTION_MS; left > 0 && this.#heard.length === 0; left -= AGAIN_MS) {
      this.send(octets, port);
      await this.until(() => this.#heard.length > 0, AGAIN_MS);
    }
    return this.#heard.shift();
  }

  async until(isSo: () => boolean, forMs = QUESTION_MS): Promise<boolean> {
    for (const end = performance.now() + forMs; !isSo() && performance.now() < end;) await Bun.sleep(2);
    return isSo();
  }

  get heard(): readonly Heard[] {
    return this.#heard;
  }

  close(): void {
    this.#socket.close();
  }
}

async function ask(host: string, what: DatagramQuestion): Promise<unknown> {
  const client = new Client(host);
  switch (what) {
    case "sizes":
      return askSizes(client);
    case "who": {
      const heard = await client.ask(new Uint8Array(1), WHO_PORT);
      return heard && { from: heard.from, seen: Buffer.from(heard.octets).toString() };
    }
    case "closed": {
      await client.connect(CLOSED_UDP_PORT);
      for (let left = QUESTION_MS; left > 0 && client.error === undefined; left -= AGAIN_MS) {
        client.send(Uint8Array.of(1));
        await client.until(() => client.error !== undefined, AGAIN_MS);
      }
      return { error: client.error };
    }
    case "sessions":
      return askSessions(host);
    case "burst":
      for (let i = 0; i < BURST; i += 1) client.send(Uint8Array.of(i & 0xff, i >> 8), ECHO_UDP_PORT);
      await client.until(() => client.heard.length === BURST);
      return { heard: client.heard.length, of: BURST };
  }
}

async function askSizes(client: Client): Promise<unknown> {
  const right: number[] = [];
  for (const size of SIZES) {
    const octets = crypto.getRandomValues(new Uint8Array(Math.min(size, 65_000)));
    const heard = await client.ask(octets, ECHO_UDP_PORT);
    if (heard !== undefined && Buffer.compare(heard.octets, octets) === 0) right.push(size);
  }
  return { right };
}

/** Sockets that are all open at once, each asked again after all were answered. */
async function askSessions(host: string): Promise<unknown> {
  const clients = Array.from({ length: SESSIONS }, () => new Client(host));
  const first = await Promise.all(clients.map((client, i) => client.ask(word(i), ECHO_UDP_PORT)));
  const second = await Promise.all(clients.map((client, i) => client.ask(word(i + SESSIONS), ECHO_UDP_PORT)));
  const isWord = (heard: Heard | undefined, i: number): boolean =>
    heard !== undefined && Buffer.compare(heard.octets, word(i)) === 0;
  return {
    first: first.filter((heard, i) => isWord(heard, i)).length,
    second: second.filter((heard, i) => isWord(heard, i + SESSIONS) || isWord(heard, i)).length,
    of: SESSIONS,
  };
}

function word(i: number): Uint8Array {
  return new TextEncoder().encode(`word ${i}`);
}

if (import.meta.main) {
  const [role, ...words] = process.argv.slice(2);
  if (role === "serve") serve(words);
  else {
    const [address = "", what = ""] = words;
    console.log(JSON.stringify(await ask(address, what as DatagramQuestion)));
    process.exit(0);
  }
}
