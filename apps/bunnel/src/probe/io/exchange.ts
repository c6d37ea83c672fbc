// One connection to a host as a browser would make it: TCP, TLS with the certificate checked, a request, and as much of
// the answer as a page has. Every stage has its own patience, so that what fails is known by where it fails.
import type { Socket } from "node:net";
import { connect as connectTls, rootCertificates, type TLSSocket } from "node:tls";
import { helloOptions } from "../hello.ts";
import { BODY_BYTES, type End, type Exchange, type HelloShape, type Stage } from "../observation.ts";
import type { Traffic } from "../search/budget.ts";
import { HttpAnswer, requestText } from "./http-answer.ts";
import { isCoded, type Way } from "./way.ts";

export interface ExchangeOrder {
  readonly address: string;
  /** In the hello and in the request; undefined: no name in the hello. */
  readonly name: string | undefined;
  readonly scheme: "https" | "http";
  readonly port?: number;
  readonly path?: string;
  readonly shape?: HelloShape;
  /** End at the server's answer to the hello. Default false. */
  readonly isHelloOnly?: boolean;
  /** The local address; undefined: the system's choice. */
  readonly source?: string | undefined;
  /** How long nothing may come at any stage. */
  readonly patienceMs: number;
  /** Certificates of authorities besides the system's, PEM. */
  readonly authorities?: readonly string[];
  /** Octets of body after which it is enough. */
  readonly bodyBytes?: number;
}

const REFUSALS: Readonly<Record<string, End>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ETIMEDOUT: "silent",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ENETDOWN: "unreachable",
  EAFNOSUPPORT: "unreachable",
};
/** Bun's words, and Node's, for an end in order before the handshake was done. */
const CLOSED_EARLY = /disconnected before secure TLS connection/iu;
const SHORT_BODY_MS = 50;
const REDIRECTS_MAX = 3;

/** What is being found out about a connection. */
interface Course {
  stage: Stage;
  certificate?: string;
  readonly answer: HttpAnswer;
  bodyFromMs: number;
  bodyToMs: number;
  firstBytes: number;
}

/** Makes the exchange, and follows redirects that stay with the host; never throws. */
export async function exchange(way: Way, order: ExchangeOrder, traffic: Traffic): Promise<Exchange> {
  let seen = await once(way, order, traffic);
  let at = order;
  for (let hops = 0; hops < REDIRECTS_MAX; hops++) {
    const path = nextPath(at, seen);
    if (path === undefined) break;
    at = { ...order, path };
    seen = await once(way, at, traffic);
  }
  return seen;
}

/** Where a redirect leads that stays with the host; undefined: nowhere, or round in a circle. */
function nextPath({ name, path = "/", scheme }: ExchangeOrder, seen: Exchange): string | undefined {
  const { end, certificate, location } = seen;
  if (end !== "done" || location === undefined || name === undefined) return undefined;
  if (scheme === "https" && certificate !== "valid") return undefined;
  const there = URL.parse(location, `${scheme}://${name}${path}`);
  if (there === null || there.protocol !== `${scheme}:` || there.hostname !== name || there.port !== "")
    return undefined;
  const next = `${there.pathname}${there.search}`;
  return next === path ? undefined : next;
}

async function once(way: Way, order: ExchangeOrder, traffic: Traffic): Promise<Exchange> {
  const began = performance.now();
  const { address, scheme, patienceMs, source } = order;
  const { signal } = traffic;
  const port = order.port ?? (scheme === "https" ? 443 : 80);
  traffic.connection();
  const elapsed = (): number => Math.round(performance.now() - began);
  let socket: Socket;
  try {
    socket = await way.open(address, port, { timeoutMs: patienceMs, source, signal });
  } catch (error) {
    const code = isCoded(error) ? error.code : "";
    const words = error instanceof Error ? error.message : String(error);
    return { stage: "connect", end: REFUSALS[code] ?? "unreachable", ms: elapsed(), bodyBytes: 0, words };
  }
  const course: Course = {
    ...{ stage: scheme === "https" ? "hello" : "request", answer: new HttpAnswer() },
    ...{ bodyFromMs: 0, bodyToMs: 0, firstBytes: 0 },
  };
  const { end, words } = await run(socket, order, course, signal);
  traffic.octets(socket.bytesRead + socket.bytesWritten);
  // A socket that is only closed goes on sending what nobody acknowledged for a minute, the blocked name in it: boxes
  // punish anew for each of them, and whoever asks next is told of a punishment that was long over.
  if (end === "silent") socket.resetAndDestroy();
  else socket.destroy();
  return { ...described(course, end), ms: elapsed(), ...(words !== undefined && { words }) };
}

function described(course: Course, end: End): Omit<Exchange, "ms"> {
  const { stage, certificate, answer, bodyFromMs, bodyToMs, firstBytes } = course;
  const [octets, ms] = [answer.bodyBytes - firstBytes, bodyToMs - bodyFromMs];
  // A page that came in one go tells nothing of the rate.
  const isMeasured = octets > 0 && ms >= SHORT_BODY_MS;
  return {
    ...{ stage: end === "done" ? "done" : stage, end, bodyBytes: answer.bodyBytes },
    ...(certificate !== undefined && { certificate }),
    ...(answer.status !== undefined && { status: answer.status, isWhole: answer.isWhole }),
    ...(answer.location !== undefined && { location: answer.location }),
    ...(isMeasured && { bytesPerSecond: Math.round((octets * 1000) / ms) }),
  };
}

interface Ended {
  readonly end: End;
  readonly words?: string;
}

/** From an open connection to the end of what was asked for. */
async function run(
  socket: Socket,
  order: ExchangeOrder,
  course: Course,
  signal: AbortSignal | undefined,
): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  let timer: Timer | undefined;
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => resolve({ end: "silent" }), order.patienceMs);
  };
  const abort = (): void => resolve({ end: "silent", words: "it was interrupted" });
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  wait();
  const parts: Parts = { order, course, resolve, wait };
  if (order.scheme === "https") startTls(socket, parts);
  else startRequest(socket, parts);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

interface Parts {
  readonly order: ExchangeOrder;
  readonly course: Course;
  readonly resolve: (ended: Ended) => void;
  /** Something came: patience begins anew. */
  readonly wait: () => void;
}

function startTls(socket: Socket, parts: Parts): void {
  const { order, course, resolve, wait } = parts;
  const { name, authorities, isHelloOnly } = order;
  const tls: TLSSocket = connectTls({
    socket,
    ...helloOptions(order.shape ?? "post-quantum"),
    ...(name !== undefined && { servername: name }),
    ...(authorities !== undefined && { ca: [...rootCertificates, ...authorities] }),
    rejectUnauthorized: false,
  });
  socket.on("error", (error) => resolve(endOf(error)));
  tls.on("error", (error) => resolve(endOf(error)));
  tls.on("secureConnect", () => {
    wait();
    // The library keeps the reason as an error or as its code.
    course.certificate = tls.authorized ? "valid" : whyOf(tls.authorizationError);
    course.stage = "certificate";
    if (isHelloOnly === true) resolve({ end: "done" });
    else if (course.certificate === "valid") startRequest(tls, parts);
    else resolve({ end: "broken", words: course.certificate });
  });
}

function whyOf(reason: unknown): string {
  if (isCoded(reason)) return reason.code;
  return typeof reason === "string" && reason !== "" ? reason : "not valid";
}

function startRequest(socket: Socket, { order, course, resolve, wait }: Parts): void {
  const { answer } = course;
  const enough = order.bodyBytes ?? BODY_BYTES;
  course.stage = "request";
  socket.on("error", (error) => resolve(endOf(error)));
  socket.on("data", (octets: Uint8Array) => {
    wait();
    answer.take(octets);
    course.bodyToMs = performance.now();
    if (answer.status !== undefined && course.stage === "request") {
      course.stage = "body";
      course.bodyFromMs = course.bodyToMs;
      course.firstBytes = answer.bodyBytes;
    }
    if (answer.isBroken) resolve({ end: "broken" });
    else if (answer.isWhole || answer.bodyBytes >= enough) resolve({ end: "done" });
  });
  socket.on("end", () => {
    answer.finish();
    resolve({ end: answer.isWhole ? "done" : "closed" });
  });
  socket.on("close", () => resolve({ end: "closed" }));
  socket.write(requestText(order.name ?? order.address, order.path ?? "/"));
}

function endOf(error: Error): Ended {
  const words = error.message;
  const code = isCoded(error) ? error.code : "";
  if (CLOSED_EARLY.test(words)) return { end: "closed", words };
  if (code === "ECONNRESET" || code === "EPIPE") return { end: "reset", words };
  if (code === "ETIMEDOUT") return { end: "silent", words };
  if (/ALERT/u.test(code) || /alert/iu.test(words)) return { end: "alert", words };
  return { end: "broken", words };
}
