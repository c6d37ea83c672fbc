import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { parseProfile, type Profile } from "@bunnel/profile";
import { clientHello } from "@bunnel/wire";
import { BsdKernel, compiler } from "../test/kernel/bsd-kernel.ts";
import { StreamError } from "./errors.ts";
import { StreamRelay } from "./relay.ts";
import type { RelayOptions, SocketAddress } from "./relay-options.ts";
import { readSockaddr, SOCKADDR_MAX_BYTES, sockaddrOf } from "./socket-address.ts";
import { socketsOf } from "./sockets/of-form.ts";
import { AF_INET } from "./sys.ts";

// Each waits for sockets; a busy machine should not turn them red.
setDefaultTimeout(60_000);

const LOOPBACK = "127.0.0.1";
const HELLO = clientHello({ serverName: "video.example.org" });
const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

function profileOf(strategy: string): Profile {
  return parseProfile(`[[rule]]\nname = "all"\nstrategy = '${strategy}'`);
}

/** A server that gives each connection to `serve`. */
async function serverWith(serve: (socket: Socket) => void): Promise<SocketAddress> {
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    serve(socket);
  });
  closers.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected an address");
  return { address: LOOPBACK, port: address.port };
}

/** A relay whose connections all go to one place. */
function relayOf(destination: SocketAddress | undefined, more: Partial<RelayOptions> = {}): StreamRelay {
  const relay = StreamRelay.open({
    listen: { address: LOOPBACK, port: 0 },
    accept: "translated",
    originalDestination: () => destination,
    profile: profileOf("tls: split(1, midsld)  http: split(host+2)"),
    ...more,
  });
  closers.push(() => relay.close());
  return relay;
}

function connectTo({ address, port }: SocketAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: address, port, allowHalfOpen: true, noDelay: true });
    closers.push(() => socket.destroy());
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject).on("error", () => undefined);
      resolve(socket);
    });
  });
}

/** All that comes until the end of that direction; the error when it does not end in order. */
function readAll(socket: Socket): Promise<Buffer | string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.once("end", () => resolve(Buffer.concat(chunks)));
    socket.once("error", (error: Error & { code?: string }) => resolve(error.code ?? error.message));
  });
}

function randomOctets(bytes: number): Uint8Array {
  const octets = new Uint8Array(bytes);
  // getRandomValues gives no more at a time (Web Crypto API, section 10.1.1).
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(octets.subarray(at, at + 65_536));
  return octets;
}

/** Waits until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await Bun.sleep(5);
}

/** Two forms on this system, and the portable one as other systems have it. */
type Case = readonly [name: string, options: Pick<RelayOptions, "form" | "system">];
const own: readonly Case[] = process.platform === "linux" ? [["native", { form: "native" }]] : [];
const others = (["darwin", "freebsd"] as const).flatMap((platform): readonly Case[] => {
  if (process.platform !== "linux" || compiler === undefined) return [];
  const kernel = new BsdKernel(platform, compiler);
  closers.push(() => kernel[Symbol.dispose]());
  return [[`portable, fake kernel of ${platform}`, { form: "portable", system: kernel.system }]];
});

describe.each([...own, ["portable", { form: "portable" }] as Case, ...others])("StreamRelay, %s", (_, options) => {
  const sockets = socketsOf(options.form ?? "portable", options.system);
  const relayTo = (destination: SocketAddress | undefined, more: Partial<RelayOptions> = {}) =>
    relayOf(destination, { ...options, ...more });

  test("carries octets both ways, and each direction ends by itself", async () => {
    const server = await serverWith((socket) => {
      void readAll(socket).then((all) => socket.end(`${all.length} octets came`));
    });
    const relay = relayTo(server);
    const client = await connectTo(relay.address);
    client.end("x".repeat(100_000));
    expect(String(await readAll(client))).toBe("100000 octets came");
    await until(() => relay.stats.finished === 1);
    expect(relay.stats).toMatchObject({ accepted: 1, open: 0, finished: 1, bytesOut: 100_000, bytesIn: 18 });
  });

  test("a server that speaks first is heard before the client says anything", async () => {
    const server = await serverWith((socket) => socket.end("220 hello\r\n"));
    const client = await connectTo(relayTo(server).address);
    expect(String(await readAll(client))).toBe("220 hello\r\n");
  });

  test("a hello that comes in three parts is collected, treated as one message and carried unchanged", async () => {
    const arrived: Buffer[] = [];
    const server = await serverWith((socket) => socket.on("data", (chunk: Buffer) => arrived.push(chunk)));
    const relay = relayTo(server);
    const client = await connectTo(relay.address);
    for (const [from, to] of [
      [0, 3],
      [3, 100],
      [100, HELLO.length],
    ]) {
      client.write(HELLO.subarray(from, to));
      await Bun.sleep(20);
    }
    await until(() => Buffer.concat(arrived).length === HELLO.length);
    expect(Buffer.concat(arrived)).toEqual(Buffer.from(HELLO));
    const [flow] = await relay.flows();
    expect(flow).toMatchObject({ state: "open", rule: "all", host: "video.example.org", destination: server });
    expect(relay.stats.treated).toBe(1);
    client.destroy();
  });

  test("a hello that is never whole goes on as it is after a time", async () => {
    const arrived: Buffer[] = [];
    const server = await serverWith((socket) => socket.on("data", (chunk: Buffer) => arrived.push(chunk)));
    const relay = relayTo(server, { messageTimeoutMs: 30 });
    const client = await connectTo(relay.address);
    client.write(HELLO.subarray(0, 100));
    await until(() => arrived.length > 0);
    expect(Buffer.concat(arrived)).toEqual(Buffer.from(HELLO.subarray(0, 100)));
    client.write(HELLO.subarray(100));
    await until(() => Buffer.concat(arrived).length === HELLO.length);
    expect(relay.stats.treated).toBe(0);
    client.destroy();
  });

  test("every request of a connection is treated, its content is not", async () => {
    const arrived: string[] = [];
    const server = await serverWith((socket) => socket.on("data", (chunk: Buffer) => arrived.push(String(chunk))));
    const relay = relayTo(server);
    const client = await connectTo(relay.address);
    const request = (host: string, rest: string) => `POST / HTTP/1.1\r\nHost: ${host}\r\n${rest}`;
    const requests = [
      request("a.example.org", "Content-Length: 11\r\n\r\nGET / HTTP/"),
      request("b.example.org", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"),
      request("c.example.org", "\r\n"),
    ];
    client.write(requests.join(""));
    await until(() => arrived.join("").length === requests.join("").length);
    expect(arrived.join("")).toBe(requests.join(""));
    expect(relay.stats.treated).toBe(3);
    client.destroy();
  });

  test("an RST of either side is an RST for the other", async () => {
    const accepted: Socket[] = [];
    const server = await serverWith((socket) => accepted.push(socket));
    const relay = relayTo(server);
    // One that is reset before the relay has seen it connected counts as refused.
    const isThrough = (count: number) => accepted.length === count && relay.stats.connecting === 0;
    const first = await connectTo(relay.address);
    await until(() => isThrough(1));
    const ended = readAll(first);
    accepted[0]?.resetAndDestroy();
    expect(await ended).toBe("ECONNRESET");
    const second = await connectTo(relay.address);
    await until(() => isThrough(2));
    const seen = accepted[1] && readAll(accepted[1]);
    second.resetAndDestroy();
    expect(await seen).toBe("ECONNRESET");
    await until(() => relay.stats.reset === 2);
  });

  test("what is refused outside is refused inside before any octet", async () => {
    const closed = await serverWith(() => undefined);
    closers.pop()?.();
    const relay = relayTo(closed);
    expect(await readAll(await connectTo(relay.address))).toBe("ECONNRESET");
    await until(() => relay.stats.refused === 1);
    const lost = relayTo(undefined);
    expect(await readAll(await connectTo(lost.address))).toBe("ECONNRESET");
    await until(() => lost.stats.unknown === 1);
  });

  test("a destination that does not answer is told as refused when its time is over", async () => {
    // A listener whose queue of accepted connections is full answers nobody else (listen(2)).
    const listener = sockets.streamSocket(AF_INET);
    closers.push(() => sockets.closeFile(listener));
    expect(sockets.bindTo(listener, sockaddrOf({ address: LOOPBACK, port: 0 }))).toBe(0);
    expect(sockets.listenOn(listener, 0)).toBe(0);
    const bound = new Uint8Array(SOCKADDR_MAX_BYTES);
    expect(sockets.localAddress(listener, bound)).toBe(0);
    const full = readSockaddr(bound);
    await connectTo(full);
    const relay = relayTo(full, { connectTimeoutMs: 300 });
    expect(await readAll(await connectTo(relay.address))).toBe("ECONNRESET");
    await until(() => relay.stats.refused === 1);
  });

  test("a reader that stops stops the writer, and loses nothing", async () => {
    const bytes = 40_000_000;
    const server = await serverWith((socket) => socket.end(Buffer.alloc(bytes, 7)));
    const relay = relayTo(server);
    const client = await connectTo(relay.address);
    client.pause();
    let before = -1;
    // What the buffers of both sides hold has passed, and no more does.
    for (let now = 0; now !== before || now === 0; now = (await relay.flows())[0]?.bytesIn ?? 0) {
      before = now;
      await Bun.sleep(100);
    }
    expect(before).toBeLessThan(bytes);
    const all = readAll(client);
    client.resume();
    expect((await all).length).toBe(bytes);
    client.destroy();
  });

  test("bulk passes unchanged both ways at once, past pipes that are full", async () => {
    const bytes = 24_000_000;
    const [up, down] = [randomOctets(bytes), randomOctets(bytes)];
    const arrived = Promise.withResolvers<Buffer | string>();
    const server = await serverWith((socket) => {
      void readAll(socket).then(arrived.resolve);
      socket.end(down);
    });
    const relay = relayTo(server);
    const client = await connectTo(relay.address);
    client.end(up);
    const [seenUp, seenDown] = await Promise.all([arrived.promise, readAll(client)]);
    expect(Bun.hash(seenUp)).toBe(Bun.hash(up));
    expect(Bun.hash(seenDown)).toBe(Bun.hash(down));
    await until(() => relay.stats.finished === 1);
    expect(relay.stats).toMatchObject({ bytesOut: bytes, bytesIn: bytes });
  });

  test("a flow that is idle for too long is ended", async () => {
    const server = await serverWith(() => undefined);
    const relay = relayTo(server, { idleTimeoutMs: 10 });
    expect(await readAll(await connectTo(relay.address))).toBe("ECONNRESET");
    await until(() => relay.stats.idled === 1);
  });

  test("more flows than there may be are turned away", async () => {
    const server = await serverWith(() => undefined);
    const relay = relayTo(server, { maxFlows: 2 });
    const kept = [await connectTo(relay.address), await connectTo(relay.address)];
    await until(() => relay.stats.open === 2);
    // The reset may be there before the run-time has looked at the connection.
    const turnedAway = connectTo(relay.address).then(readAll, ({ code }: Error & { code?: string }) => code);
    expect(await turnedAway).toBe("ECONNRESET");
    await until(() => relay.stats.overLimit === 1);
    for (const socket of kept) socket.destroy();
  });

  test("load() is for the messages that come from then on", async () => {
    const arrived: Buffer[] = [];
    const server = await serverWith((socket) => socket.on("data", (chunk: Buffer) => arrived.push(chunk)));
    const relay = relayTo(server);
    relay.load(profileOf("tls: tlsrec(midsld)"));
    await relay.flows();
    const client = await connectTo(relay.address);
    client.write(HELLO);
    await until(() => Buffer.concat(arrived).length === HELLO.length + 5);
    client.destroy();
  });

  test("close() ends every flow by RST, and lets go of the address", async () => {
    const server = await serverWith(() => undefined);
    const relay = relayTo(server);
    const client = await connectTo(relay.address);
    await until(() => relay.stats.open === 1);
    const ended = readAll(client);
    relay.close();
    expect(await relay.closed).toBeUndefined();
    expect(await ended).toBe("ECONNRESET");
    expect(await relay.flows()).toEqual([]);
    using again = StreamRelay.open({
      ...options,
      listen: relay.address,
      accept: "proxy",
      profile: profileOf("tls: pass"),
    });
    expect(again.address).toEqual(relay.address);
  });

  test("open() says what keeps it from listening", () => {
    const relay = relayTo(undefined);
    expect(() => relayTo(undefined, { listen: relay.address })).toThrow(
      `relay: 127.0.0.1 port ${relay.address.port} could not be listened on: EADDRINUSE`,
    );
    expect(() =>
      StreamRelay.open({ listen: relay.address, accept: "translated", profile: profileOf("tls: pass") }),
    ).toThrow(StreamError);
  });
});
