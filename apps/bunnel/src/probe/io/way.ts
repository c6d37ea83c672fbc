// How a connection of the prober leaves this machine.
import { connect, type Socket } from "node:net";

export interface OpenOptions {
  readonly timeoutMs: number;
  /** The local address; undefined: the system's choice. Ways that have no choice take theirs. */
  readonly source?: string | undefined;
  /** Gives up at once. */
  readonly signal?: AbortSignal | undefined;
}

/** Opens TCP connections. */
export interface Way {
  /**
   * An open connection. It is destroyed by whoever asked for it.
   * @throws Error with a code: ECONNREFUSED, EHOSTUNREACH and its like, ETIMEDOUT
   */
  open(address: string, port: number, options: OpenOptions): Promise<Socket>;
}

/** What a way says when a connection could not be opened. */
export class WayError extends Error {
  override readonly name = "WayError";
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Local ports that are used one after the other; undefined: the system's choice. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Ports that are in use are stepped over so many times. */
const TRIES_MAX = 16;

/** Sockets of this machine, from local ports of a range where there is one. */
export class DirectWay implements Way {
  #next: number;

  /** It begins anywhere in the range: servers may still hold connections of an earlier run from the same ports. */
  constructor(readonly ports?: PortRange) {
    this.#next = ports === undefined ? 0 : Math.floor(Math.random() * (ports.last - ports.first + 1));
  }

  async open(address: string, port: number, options: OpenOptions): Promise<Socket> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#try(address, port, options);
      } catch (error) {
        const isTaken = isCoded(error) && (error.code === "EADDRINUSE" || error.code === "EADDRNOTAVAIL");
        if (!isTaken || this.ports === undefined || tries >= TRIES_MAX) throw error;
      }
    }
  }

  /** The next local port of the range; each is used again as late as can be. */
  nextPort(): number | undefined {
    if (this.ports === undefined) return undefined;
    const { first, last } = this.ports;
    const port = first + (this.#next % (last - first + 1));
    this.#next++;
    return port;
  }

  #try(address: string, port: number, options: OpenOptions): Promise<Socket> {
    const localPort = this.nextPort();
    const { source } = options;
    const socket = connect({
      ...{ host: address, port },
      ...(localPort !== undefined && { localPort }),
      ...(source !== undefined && { localAddress: source }),
    });
    return opened(socket, options);
  }
}

/** Settles when the socket is open. @throws Error with a code, the socket being destroyed */
export async function opened(socket: Socket, { timeoutMs, signal }: OpenOptions): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const timer = setTimeout(() => reject(new WayError("ETIMEDOUT", `nobody answered for ${timeoutMs} ms`)), timeoutMs);
  const abort = (): void => reject(new WayError("ETIMEDOUT", "it was interrupted"));
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  // What goes wrong behind the end of this is nobody's business.
  socket.on("error", reject);
  socket.once("connect", () => resolve(socket));
  try {
    return await promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Whether an error has a code as those of the system do. */
export function isCoded(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}
