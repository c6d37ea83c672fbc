// The servers of a lab, one process in the server's namespace: HTTPS, HTTP, DNS, TCP echo and a listener for probes.
// Each web answer tells which host name the server was asked for, so that a decoy that got through is seen.
import { createSocket } from "node:dgram";
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer as createTcp } from "node:net";
import type { TLSSocket } from "node:tls";
import { type Family, serverAddress } from "./address-plan.ts";
import { contentBlocks } from "./body.ts";
import { answerCalls, bindToParent } from "./calls.ts";
import type { Certificate } from "./certificate.ts";
import { answerQuery } from "./dns-answer.ts";
import { DNS_PORT, ECHO_PORT, HTTP_PORT, HTTPS_PORT, PROBE_PORT } from "./ports.ts";

/** What `GET /who` answers. */
export interface WhoAnswer {
  /** The Host header. */
  readonly host: string | null;
  /** The name in the ClientHello; null over plain HTTP. */
  readonly serverName: string | null;
}

/** What `POST /digest` answers. */
export interface DigestAnswer {
  readonly bytes: number;
  readonly sha256: string;
}

export interface ServerStart {
  readonly certificate: Certificate;
  readonly families: readonly Family[];
  /** Whether HTTPS and HTTP are served. */
  readonly web: boolean;
}

const probesSeen = new Set<number>();
let dnsQueries = 0;

const calls = {
  start,
  /** Numbers of the probe datagrams that came this far. */
  probesSeen: () => [...probesSeen],
  forgetProbes: () => probesSeen.clear(),
  dnsQueries: () => dnsQueries,
};
export type ServerCalls = typeof calls;

async function start({ certificate, families, web }: ServerStart): Promise<void> {
  const any = families.includes(6) ? "::" : "0.0.0.0";
  const tls = { key: certificate.key, cert: certificate.certificate };
  const echo = createTcp((socket) => {
    // A client that is killed in the middle of a test resets its connection: nothing to report.
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  await Promise.all([
    ...(web ? [listening(createHttps(tls, answerWeb), HTTPS_PORT, any)] : []),
    ...(web ? [listening(createHttp(answerWeb), HTTP_PORT, any)] : []),
    listening(echo, ECHO_PORT, any),
    ...families.flatMap((family) => [listenForProbes(family), listenForQueries(family)]),
  ]);
}

function answerWeb(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? "/";
  response.setHeader("Connection", "close");
  if (url === "/digest") void answerDigest(request, response);
  else if (url.startsWith("/bytes/")) void answerBytes(Number(url.slice("/bytes/".length)), response);
  else response.end(JSON.stringify(who(request)));
}

function who(request: IncomingMessage): WhoAnswer {
  const { servername } = request.socket as Partial<TLSSocket> & { servername?: string | false };
  return { host: request.headers.host ?? null, serverName: servername || null };
}

async function answerDigest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hasher = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    hasher.update(chunk);
    bytes += chunk.length;
  }
  response.end(JSON.stringify({ bytes, sha256: hasher.digest("hex") } satisfies DigestAnswer));
}

async function answerBytes(bytes: number, response: ServerResponse): Promise<void> {
  response.setHeader("Content-Length", bytes);
  for (const block of contentBlocks(bytes)) {
    if (response.destroyed) return;
    if (!response.write(block)) await drained(response);
  }
  response.end();
}

/** Comes back when there is room again, or nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

interface Listener {
  once(event: "error", listener: (error: Error) => void): unknown;
  listen(port: number, host: string, ready: () => void): unknown;
}

function listening(server: Listener, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
}

/** Each datagram's first octet is the number of the probe. */
function listenForProbes(family: Family): Promise<void> {
  return datagrams(family, family === 4 ? "0.0.0.0" : "::", PROBE_PORT, (message) => {
    probesSeen.add(message[0] ?? 0);
    return undefined;
  });
}

function listenForQueries(family: Family): Promise<void> {
  const addresses = { v4: serverAddress(4), v6: serverAddress(6) };
  return datagrams(family, serverAddress(family), DNS_PORT, (message) => {
    dnsQueries += 1;
    return answerQuery(message, addresses);
  });
}

function datagrams(
  family: Family,
  address: string,
  port: number,
  receive: (message: Uint8Array) => Uint8Array | undefined,
): Promise<void> {
  const socket = createSocket(family === 4 ? { type: "udp4" } : { type: "udp6", ipv6Only: true });
  socket.on("message", (message, sender) => {
    const answer = receive(message);
    if (answer) socket.send(answer, sender.port, sender.address);
  });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, address, resolve);
  });
}

/** The whole life of the process. */
export function runServerChild(): Promise<never> {
  bindToParent();
  return answerCalls(calls);
}
