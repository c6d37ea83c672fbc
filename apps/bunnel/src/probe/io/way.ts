// How a connection of the prober leaves this machine.
import { connect, type Socket } from "node:net";

/** Opens TCP connections. */
export interface Way {
  /**
   * An open connection. It is destroyed by whoever asked for it.
   * @throws Error with a code: ECONNREFUSED, EHOSTUNREACH and its like, ETIMEDOUT
   */
  open(address: string, port: number, timeoutMs: number): Promise<Socket>;
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

  async open(address: string, port: number, timeoutMs: number): Promise<Socket> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#try(address, port, timeoutMs);
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

  #try(address: string, port: number, timeoutMs: number): Promise<Socket> {
    const localPort = this.nextPort();
    const socket = connect({ host: address, port, ...(localPort !== undefined && { localPort }) });
    return opened(socket, timeoutMs);
  }
}

/** Settles when the socket is open. @throws Error with a code, the socket being destroyed */
export function opened(socket: Socket, timeoutMs: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const timer = setTimeout(() => {
    socket.destroy();
    reject(new WayError("ETIMEDOUT", `nobody answered for ${timeoutMs} ms`));
  }, timeoutMs);
  const fail = (error: Error): void => {
    clearTimeout(timer);
    socket.destroy();
    reject(error);
  };
  socket.once("error", fail);
  socket.once("connect", () => {
    clearTimeout(timer);
    socket.off("error", fail);
    resolve(socket);
  });
  return promise;
}

/** Whether an error has a code as those of the system do. */
export function isCoded(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}
