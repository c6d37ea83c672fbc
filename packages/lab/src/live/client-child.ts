// The small programs of the client: a process in the client's namespace that does what curl does not.
import { createSocket } from "node:dgram";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect, type Socket } from "node:net";
import type { Family } from "./address-plan.ts";
import { answerCalls, bindToParent } from "./calls.ts";
import { HTTP_PORT, HTTPS_PORT, PROBE_PORT } from "./ports.ts";

export type Scheme = "https" | "http";

export interface ProbeOrder {
  readonly family: Family;
  readonly address: string;
  /** One datagram leaves with each of these; its first octet repeats the number. */
  readonly hopLimits: readonly number[];
}

export interface WebOrder {
  readonly scheme: Scheme;
  readonly address: string;
  readonly host: string;
  readonly path: string;
  readonly authority: string;
  readonly timeoutMs: number;
}

export interface WebResult {
  /** Undefined when no answer came. */
  readonly body?: string;
  /** The system's code: ECONNRESET, ETIMEDOUT…, or the message where there is none. */
  readonly error?: string;
}

const connections = new Map<number, Socket>();
let nextConnection = 1;

const calls = { probe, web, open, exchange, shut };
export type ClientCalls = typeof calls;

async function probe({ family, address, hopLimits }: ProbeOrder): Promise<void> {
  for (const hopLimit of hopLimits) await sendProbe(family, address, hopLimit);
}

/** A socket of its own for each: the report that one probe expired would make the next send of the same socket fail. */
async function sendProbe(family: Family, address: string, hopLimit: number): Promise<void> {
  const socket = createSocket(family === 4 ? "udp4" : "udp6");
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  socket.setTTL(hopLimit);
  await new Promise<void>((resolve) => socket.send(Uint8Array.of(hopLimit), PROBE_PORT, address, () => resolve()));
  socket.close();
}

/** What curl is used for where there is one: one request, a fresh connection. */
function web(order: WebOrder): Promise<WebResult> {
  const { promise, resolve } = Promise.withResolvers<WebResult>();
  const options = {
    host: order.address,
    path: order.path,
    headers: { Host: order.host, Connection: "close" },
    agent: false,
    signal: AbortSignal.timeout(order.timeoutMs),
  };
  const request =
    order.scheme === "https"
      ? requestHttps({ ...options, port: HTTPS_PORT, servername: order.host, ca: order.authority })
      : requestHttp({ ...options, port: HTTP_PORT });
  const fail = (error: Error & { code?: string }) =>
    resolve({
      error: error.name === "TimeoutError" || error.name === "AbortError" ? "ETIMEDOUT" : (error.code ?? error.message),
    });
  request.on("error", fail);
  request.on("response", (response) => {
    const chunks: Uint8Array[] = [];
    response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    response.on("error", fail);
    response.on("end", () => resolve({ body: Buffer.concat(chunks).toString() }));
  });
  request.end();
  return promise;
}

/** Opens a TCP connection and keeps it; answers its number. */
function open({ address, port }: { readonly address: string; readonly port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    const id = nextConnection++;
    socket.once("error", reject);
    socket.once("connect", () => {
      connections.set(id, socket);
      resolve(id);
    });
  });
}

/** Sends a text on a kept connection and answers what came back; as many octets as were sent. */
function exchange({ id, text }: { readonly id: number; readonly text: string }): Promise<string> {
  const socket = connections.get(id);
  if (!socket) throw new Error(`connection ${id} is not open`);
  return new Promise((resolve, reject) => {
    let received = "";
    const take = (chunk: Uint8Array) => {
      received += Buffer.from(chunk).toString();
      if (received.length >= text.length) done(() => resolve(received));
    };
    const end = () => done(() => reject(new Error(`connection ${id} ended after ${received.length} octets`)));
    const done = (settle: () => void) => {
      socket.off("data", take).off("close", end);
      settle();
    };
    socket.on("data", take).on("close", end);
    socket.write(text);
  });
}

function shut({ id }: { readonly id: number }): void {
  connections.get(id)?.destroy();
  connections.delete(id);
}

/** The whole life of the process. */
export function runClientChild(): Promise<never> {
  bindToParent();
  return answerCalls(calls);
}
