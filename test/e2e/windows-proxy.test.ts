// Proof level wine: the real Windows Bun, under Wine, runs `bunnel proxy`, by Winsock's own calls. Clients and servers
// are programs of this system, so that what is seen of it is what leaves it.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection, createServer, type Socket } from "node:net";
import { linesOf, mustHave, Wine } from "@bunnel/tun-win32/proof";
import { clientHello } from "@bunnel/wire";

// The first start of Wine makes a system's registry; a busy machine should not turn it red.
setDefaultTimeout(240_000);

const LOOPBACK = "127.0.0.1";
const STRATEGY = "tls: fake(ttl=3) tlsrec(midsld) split(1) disorder  http: oob(host+2)";
const HELLO = Buffer.from(clientHello({ serverName: "video.example.org" }));
const RECORD_HEADER_BYTES = 5;
const BULK_BYTES = 8_000_000;
const SUCCEEDED = 0;
const CONNECTION_REFUSED = 5;
/** RFC 1928 section 4: CONNECT to an IPv4 address; the reply has as many octets. */
const REQUEST = [5, 1, 0, 1];
const REPLY_BYTES = 10;
const canRun = process.arch === "x64" && mustHave("wine64") && mustHave("x86_64-w64-mingw32-gcc-posix");

if (canRun) describe("bunnel proxy in the Windows Bun", provesIt);
else test("Wine cannot be had on this machine, so nothing is shown here", () => expect(canRun).toBe(false));

function provesIt(): void {
  Wine.fetch();
  const wine = Wine.prepare();
  const child = wine.startQuietly("apps/bunnel/src/main.ts", "proxy", "--json", "-l", `${LOOPBACK}:0`, "-s", STRATEGY);
  const lines = linesOf(child.stdout);
  const started = lines.until('{"up":true').then((line) => JSON.parse(line) as Started);
  const closers: (() => void)[] = [];
  afterAll(async () => {
    for (const close of closers) close();
    child.kill("SIGTERM");
    await child.exited;
  });

  const portOf = async (): Promise<number> => Number((await started).listen[0]?.split(":").at(-1));

  /** A server that gives each connection to `serve`, and the port that it has. */
  const serverWith = async (serve: (socket: Socket) => void): Promise<number> => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on("error", () => undefined);
      serve(socket);
    });
    closers.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("expected an address");
    return address.port;
  };

  /** A connection through the proxy, and what the proxy has replied. */
  const connectThrough = async (port: number): Promise<readonly [Socket, reply: number | undefined]> => {
    const socket = createConnection({ host: LOOPBACK, port: await portOf(), allowHalfOpen: true, noDelay: true });
    closers.push(() => socket.destroy());
    socket.on("error", () => undefined);
    socket.write(Uint8Array.of(5, 1, 0));
    await readExactly(socket, 2);
    socket.write(Uint8Array.of(...REQUEST, 127, 0, 0, 1, port >> 8, port & 0xff));
    const reply = await readExactly(socket, REPLY_BYTES);
    return [socket, reply[1]];
  };

  test("it listens, and names what its system cannot carry out", async () => {
    const { leftOut } = await started;
    expect(leftOut).toMatchObject([{ kind: "tls", technique: "fake" }]);
    expect(leftOut[0]?.why).toEndWith("on win32");
  });

  test.each([
    ["an HTTP proxy", ["-x", "http://"]],
    ["an HTTP proxy by CONNECT", ["-p", "-x", "http://"]],
    ["a SOCKS proxy", ["-x", "socks5://"]],
    ["a SOCKS proxy that resolves names", ["-x", "socks5h://"]],
  ] as const)("curl is served by %s", async (_, [...words]) => {
    const server = Bun.serve({ port: 0, hostname: LOOPBACK, fetch: () => new Response("hello") });
    closers.push(() => void server.stop(true));
    const scheme = words.pop() ?? "";
    const address = `${scheme}${LOOPBACK}:${await portOf()}`;
    const host = scheme === "socks5h://" ? "localhost" : LOOPBACK;
    const curl = Bun.spawn(["curl", "-sS", "-m", "30", ...words, address, `http://${host}:${server.port}/`]);
    expect(await curl.stdout.text()).toBe("hello");
  });

  test("a hello arrives as two records, its first octet by itself and behind the rest", async () => {
    const arrived: Buffer[] = [];
    const [socket, reply] = await connectThrough(
      await serverWith((server) => server.on("data", (chunk: Buffer) => arrived.push(chunk))),
    );
    expect(reply).toBe(SUCCEEDED);
    socket.write(HELLO);
    await until(() => Buffer.concat(arrived).length === HELLO.length + RECORD_HEADER_BYTES);
    const all = Buffer.concat(arrived);
    const first = all.readUInt16BE(3);
    const joined = Buffer.concat([
      all.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + first),
      all.subarray(2 * RECORD_HEADER_BYTES + first),
    ]);
    expect(joined).toEqual(HELLO.subarray(RECORD_HEADER_BYTES));
  });

  test("what is refused outside is refused inside", async () => {
    const port = await serverWith(() => undefined);
    closers.pop()?.();
    expect((await connectThrough(port))[1]).toBe(CONNECTION_REFUSED);
  });

  test("an RST of either side is an RST for the other", async () => {
    const accepted: Socket[] = [];
    const port = await serverWith((socket) => accepted.push(socket));
    const [first] = await connectThrough(port);
    await until(() => accepted.length === 1);
    const ended = endOf(first);
    accepted[0]?.resetAndDestroy();
    expect(await ended).toBe("ECONNRESET");
    const [second] = await connectThrough(port);
    await until(() => accepted.length === 2);
    const seen = accepted[1] && endOf(accepted[1]);
    second.resetAndDestroy();
    expect(await seen).toBe("ECONNRESET");
  });

  test("bulk passes unchanged both ways at once, and each direction ends by itself", async () => {
    const [up, down] = [bulk(1), bulk(2)];
    const arrived = Promise.withResolvers<Buffer>();
    const port = await serverWith((socket) => {
      void readAll(socket).then(arrived.resolve);
      socket.end(down);
    });
    const [socket] = await connectThrough(port);
    const seen = readAll(socket);
    socket.end(up);
    expect(Bun.hash(await arrived.promise)).toBe(Bun.hash(up));
    expect(Bun.hash(await seen)).toBe(Bun.hash(down));
    console.log(`proof: wine, bunnel proxy, ${2 * BULK_BYTES} octets by one connection`);
  });
}

/** The first line of `bunnel proxy --json`. */
interface Started {
  readonly listen: readonly string[];
  readonly leftOut: readonly { readonly why: string }[];
}

function readExactly(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0);
    const take = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk]);
      if (held.length < bytes) return;
      socket.off("data", take).pause();
      if (held.length > bytes) socket.unshift(held.subarray(bytes));
      resolve(held.subarray(0, bytes));
    };
    socket.once("close", () => reject(new Error(`expected ${bytes} octets, found ${held.length}`)));
    socket.on("data", take).resume();
  });
}

function readAll(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.once("end", () => resolve(Buffer.concat(chunks)));
    socket.once("error", reject);
    socket.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
  });
}

/** The code of the error that a connection ends with; "end" when it ends in order. */
function endOf(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.once("end", () => resolve("end"));
    socket.once("error", (error: Error & { code?: string }) => resolve(error.code));
    socket.resume();
  });
}

/** Octets that differ everywhere. */
function bulk(seed: number): Buffer {
  return Buffer.from(Uint32Array.from({ length: BULK_BYTES / 4 }, (_, at) => Math.imul(at + seed, 2654435761)).buffer);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await Bun.sleep(5);
}
