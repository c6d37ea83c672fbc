// Connections through a relay of this process, whose sockets carry out what streams can: no right is needed for it.
import type { Socket } from "node:net";
import { parseProfile, type Profile } from "@bunnel/profile";
import { StreamRelay } from "@bunnel/stream";
import { formatEndpoint } from "@bunnel/wire";
import { DirectWay, isCoded, type OpenOptions, type Way, WayError } from "./way.ts";

const REPLY_MAX_BYTES = 4096;
/** What the relay's answers to CONNECT mean. */
const CODES: Readonly<Record<string, string>> = { "502": "ECONNREFUSED", "503": "EHOSTUNREACH", "504": "ETIMEDOUT" };

export interface RelayWayOptions {
  /** SO_MARK of its sockets; needs a right. */
  readonly mark?: number;
  readonly connectTimeoutMs: number;
}

/** A strategy for every host, in force in a relay. */
export class RelayWay implements Way, Disposable {
  readonly #relay: StreamRelay;
  readonly #local = new DirectWay();

  private constructor(relay: StreamRelay) {
    this.#relay = relay;
  }

  /** @throws StreamError where there can be no relay */
  static async open({ mark, connectTimeoutMs }: RelayWayOptions): Promise<RelayWay> {
    const relay = StreamRelay.open({
      listen: { address: "127.0.0.1", port: 0 },
      accept: "proxy",
      profile: trialProfile("pass", "stream"),
      connectTimeoutMs,
      ...(mark !== undefined && { mark }),
    });
    await relay.ready;
    return new RelayWay(relay);
  }

  /** What is opened from now on gets this strategy. */
  use(strategy: string): void {
    this.#relay.load(trialProfile(strategy, "stream"));
  }

  async open(address: string, port: number, { timeoutMs, signal }: OpenOptions): Promise<Socket> {
    const socket = await this.#local.open("127.0.0.1", this.#relay.address.port, { timeoutMs, signal });
    try {
      const target = formatEndpoint(address, port);
      socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
      const status = await replyStatus(socket, { timeoutMs, signal });
      if (status === "200") return socket;
      throw new WayError(CODES[status] ?? "ECONNREFUSED", `the relay could not connect to ${target} (${status})`);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#relay.close();
  }
}

/** One rule for everything. */
export function trialProfile(strategy: string, egress: "packet" | "stream"): Profile {
  const way = strategy === "pass" ? "" : `egress = "${egress}"\n`;
  return parseProfile(`[[rule]]\nname = "trial"\n${way}strategy = '''${strategy}'''\n`);
}

/** The status of the answer to CONNECT. What comes behind it stays in the socket: the client speaks first. */
async function replyStatus(socket: Socket, { timeoutMs, signal }: OpenOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let head = "";
  const take = (octets: Uint8Array): void => {
    head += Buffer.from(octets).toString("latin1");
    if (head.includes("\r\n\r\n")) resolve(/^HTTP\/1\.[01] (\d{3})/u.exec(head)?.[1] ?? "502");
    else if (head.length > REPLY_MAX_BYTES) reject(new WayError("ECONNREFUSED", "the relay's answer is too long"));
  };
  const end = (): void => reject(new WayError("ECONNREFUSED", "the relay ended the connection"));
  const fail = (error: Error): void => reject(isCoded(error) ? error : new WayError("ECONNREFUSED", error.message));
  const timer = setTimeout(() => reject(new WayError("ETIMEDOUT", `nobody answered for ${timeoutMs} ms`)), timeoutMs);
  const abort = (): void => reject(new WayError("ETIMEDOUT", "it was interrupted"));
  signal?.addEventListener("abort", abort, { once: true });
  socket.on("data", take).once("end", end).once("error", fail);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    socket.off("data", take).off("end", end).off("error", fail);
  }
}
