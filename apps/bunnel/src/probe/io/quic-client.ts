// HTTP/3 by the run-time's own fetch, in a process of its own. A name and the address to ask it at cannot be given
// apart there, so the process sees a table of hosts in which the name is on loopback, where datagrams are passed on
// from a local port of the prober's choice. Needs a mount namespace: unshare(1) and the right to use it.
import { createSocket, type Socket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selfCommand } from "../../demo/self.ts";
import { BODY_BYTES, type End, type QuicExchange } from "../observation.ts";
import type { QuicAsker } from "../observe-quic.ts";
import type { Traffic } from "../search/budget.ts";
import type { DirectWay } from "./way.ts";

const QUIC_PORT = 443;
/** The process has to start first, which takes long where others are busy. */
const START_MAX_MS = 30_000;
/** Silence counts after so many times what the slowest answer took, where that is longer than the patience. */
const SLOWER = 4;
const SILENCE_MAX_MS = 30_000;
const MOUNT = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';

export interface QuicOrder {
  readonly address: string;
  readonly name: string;
  readonly path: string;
  /** The local address; undefined: the system's choice. */
  readonly source?: string | undefined;
}

/** How fast this machine is at it just now. */
export interface QuicPace {
  slowestMs: number;
}

/** What the process tells, as JSON. */
export interface QuicSaid {
  readonly status?: number;
  readonly bodyBytes?: number;
  readonly isWhole?: boolean;
  readonly code?: string;
  readonly words?: string;
}

export interface QuicClientOptions {
  readonly way: DirectWay;
  readonly traffic: Traffic;
  readonly patienceMs: number;
  /** A file of authorities besides the system's. */
  readonly authoritiesPath?: string;
  /** Shared by clients of one probe. */
  readonly pace?: QuicPace;
  /** Starts the process that sees this table of hosts; what comes behind it are its words. Default: this program. */
  readonly start?: (hosts: string) => readonly string[];
  /** Default 443. */
  readonly port?: number;
}

function startSelf(hosts: string): readonly string[] {
  return ["unshare", "--mount", "sh", "-ec", MOUNT, "sh", hosts, ...selfCommand()];
}

/** Whether this machine can start such a process. */
export function canAskQuic(): boolean {
  if (process.platform !== "linux" || Bun.which("unshare") === null) return false;
  return Bun.spawnSync(["unshare", "--mount", "true"], { stdout: "ignore", stderr: "ignore" }).success;
}

/** Datagrams of one request, and who wants to hear of them. */
interface Passing {
  readonly port: number;
  sent: number;
  answered: number;
  octets: number;
  tell: () => void;
  close: () => void;
}

export class QuicClient implements Disposable, QuicAsker {
  readonly #folder = mkdtempSync(join(tmpdir(), "bunnel-quic-"));
  readonly #pace: QuicPace;
  #files = 0;

  constructor(readonly options: QuicClientOptions) {
    this.#pace = options.pace ?? { slowestMs: 0 };
  }

  /** The same client from other local ports. */
  from(way: DirectWay): QuicClient {
    return new QuicClient({ ...this.options, way, pace: this.#pace });
  }

  /** One request over QUIC; never throws. */
  async ask(order: QuicOrder): Promise<QuicExchange> {
    const began = performance.now();
    const { traffic, patienceMs } = this.options;
    traffic.connection();
    let passing: Passing | undefined;
    try {
      passing = await this.#pass(order);
      const silenceMs = Math.min(SILENCE_MAX_MS, Math.max(patienceMs, SLOWER * this.#pace.slowestMs));
      const said = await this.#run(order, passing, silenceMs);
      const ms = Math.round(performance.now() - began);
      if (said.code === undefined && ms > this.#pace.slowestMs) this.#pace.slowestMs = ms;
      return { ...described(said, passing), answered: passing.answered, ms };
    } catch (error) {
      // A local address that is gone, or a port that somebody has.
      const words = error instanceof Error ? error.message : String(error);
      return { stage: "connect", end: "unreachable", bodyBytes: 0, answered: 0, ms: 0, words };
    } finally {
      passing?.close();
      traffic.octets(passing?.octets ?? 0);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Datagrams from a port of loopback to the address, and back. */
  async #pass({ address, source }: QuicOrder): Promise<Passing> {
    const inner = createSocket("udp4");
    const outer = createSocket(address.includes(":") ? "udp6" : "udp4");
    let client: { readonly port: number; readonly address: string } | undefined;
    for (const socket of [inner, outer]) socket.on("error", () => undefined);
    const close = (): void => {
      inner.close();
      outer.close();
    };
    try {
      await bound(inner, 0, "127.0.0.1");
      await bound(outer, this.options.way.nextPort() ?? 0, source);
    } catch (error) {
      close();
      throw error;
    }
    const { port } = inner.address();
    const passing: Passing = { port, sent: 0, answered: 0, octets: 0, tell: () => undefined, close };
    inner.on("message", (octets, from) => {
      client = from;
      passing.octets += octets.length;
      passing.sent++;
      if (passing.sent === 1) passing.tell();
      outer.send(octets, this.options.port ?? QUIC_PORT, address);
    });
    outer.on("message", (octets) => {
      passing.answered++;
      passing.octets += octets.length;
      passing.tell();
      if (client !== undefined) inner.send(octets, client.port, client.address);
    });
    return passing;
  }

  /** Silence is counted from the first datagram on, and from every answer: starting takes as long as it takes. */
  async #run({ name, path }: QuicOrder, passing: Passing, silenceMs: number): Promise<QuicSaid> {
    this.#files++;
    const hosts = join(this.#folder, `hosts-${this.#files}`);
    await Bun.write(hosts, `127.0.0.1 ${name}\n`);
    const url = `https://${name}:${passing.port}${path}`;
    const words = ["probe", "--quic-request", url, "--patience", String(SILENCE_MAX_MS / 1000)];
    const { authoritiesPath, traffic, start = startSelf } = this.options;
    const env = { ...process.env, ...(authoritiesPath !== undefined && { NODE_EXTRA_CA_CERTS: authoritiesPath }) };
    const child = Bun.spawn([...start(hosts), ...words], {
      ...{ stdin: "ignore", stdout: "pipe", stderr: "ignore", env },
    });
    const end = (): void => child.kill("SIGKILL");
    let timer = setTimeout(end, START_MAX_MS);
    passing.tell = () => {
      clearTimeout(timer);
      timer = setTimeout(end, silenceMs);
    };
    traffic.signal?.addEventListener("abort", end, { once: true });
    if (traffic.signal?.aborted === true) end();
    try {
      return readSaid(await child.stdout.text());
    } finally {
      passing.tell = () => undefined;
      clearTimeout(timer);
      traffic.signal?.removeEventListener("abort", end);
      end();
    }
  }
}

function bound(socket: Socket, port: number, address?: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("error", reject);
  socket.bind({ port, ...(address !== undefined && { address }) }, resolve);
  return promise;
}

function readSaid(text: string): QuicSaid {
  try {
    return JSON.parse(text) as QuicSaid;
  } catch {
    return { code: "silent", words: "nothing came in time" };
  }
}

function described(
  said: QuicSaid,
  { sent, answered }: Pick<Passing, "sent" | "answered">,
): Omit<QuicExchange, "answered" | "ms"> {
  const { status, bodyBytes = 0, isWhole, code, words } = said;
  if (status !== undefined && code === undefined) {
    return { stage: "done", end: "done", certificate: "valid", status, bodyBytes, isWhole: isWhole === true };
  }
  // The run-time says of a wrong certificate that the handshake failed; a server that said anything was there.
  const end: End = code === "silent" ? "silent" : "broken";
  if (sent === 0) return { stage: "connect", end, bodyBytes, words: words ?? "it did not begin in time" };
  const stage = answered === 0 ? "hello" : bodyBytes > 0 ? "body" : "request";
  return { stage, end, bodyBytes, ...(words !== undefined && { words }) };
}

/** What the process does: one request, told as a line of JSON. */
export async function quicRequest(url: string, patienceMs: number): Promise<QuicSaid> {
  let bodyBytes = 0;
  let status: number | undefined;
  const patience = new AbortController();
  let timer = setTimeout(() => patience.abort(), patienceMs);
  try {
    const { host } = new URL(url);
    const headers = { Host: host.replace(/:\d+$/u, ""), "Accept-Encoding": "identity" };
    const options: RequestInit & { readonly protocol: string } = {
      ...{ protocol: "http3", redirect: "manual", headers, signal: patience.signal },
    };
    const response = await fetch(url, options);
    status = response.status;
    for await (const octets of response.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(() => patience.abort(), patienceMs);
      bodyBytes += octets.length;
      if (bodyBytes >= BODY_BYTES) return { status, bodyBytes, isWhole: false };
    }
    return { status, bodyBytes, isWhole: true };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const isSilent = patience.signal.aborted || /timed out/iu.test(words);
    return { ...(status !== undefined && { status }), bodyBytes, code: isSilent ? "silent" : "failed", words };
  } finally {
    clearTimeout(timer);
  }
}
