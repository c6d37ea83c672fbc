// An upstream asked in plain DNS: by UDP, and by TCP when the answer does not fit (RFC 1035, RFC 7766).
import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { readAnswer } from "./ask.ts";
import { UpstreamError } from "./errors.ts";
import { Flag } from "./message.ts";
import { MessageReader, framed } from "./framing.ts";
import type { PlainTarget, Sockets, Upstream } from "./upstream.ts";

/** A datagram may be lost: it is sent again after so long, at most so often. */
const AGAIN_MS = 1000;
const SENDS_MAX = 3;

/** Bun's types leave the descriptor out, which its sockets have. */
interface WithDescriptor {
  readonly fd?: number;
}

export class PlainUpstream implements Upstream {
  readonly name: string;
  readonly isPrivate = false;

  constructor(
    readonly target: PlainTarget,
    readonly sockets: Sockets,
  ) {
    const { address, port } = target;
    this.name = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  }

  async exchange(asked: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const byUdp = await this.#askByUdp(asked, signal);
    const flags = new DataView(byUdp.buffer, byUdp.byteOffset, byUdp.byteLength).getUint16(2);
    return (flags & Flag.Truncated) === 0 ? byUdp : this.#askByTcp(asked, signal);
  }

  restart(): void {}

  close(): void {}

  /** A socket of its own, so that its port is one that nobody can guess (RFC 5452 section 9.2). */
  async #askByUdp(asked: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const { address, port } = this.target;
    const answer = Promise.withResolvers<Uint8Array>();
    const fail = (cause: unknown): void => {
      answer.reject(new UpstreamError("E_CONNECTION", `${this.name}: ${String(cause)}`, { cause }));
    };
    let socket: Bun.udp.ConnectedSocket<"uint8array">;
    try {
      socket = await Bun.udpSocket({
        connect: { hostname: address, port },
        hostname: address.includes(":") ? "::" : "0.0.0.0",
        binaryType: "uint8array",
        socket: {
          // What is not the answer may be a forger's guess: the true one may still come.
          data: (_, octets) => {
            if (readAnswer(octets, asked) !== undefined) answer.resolve(octets.slice());
          },
          // Bun's types have a socket before the error; Bun itself gives the error alone.
          error: (first: unknown, second?: unknown) => fail(second ?? first),
        },
      });
    } catch (cause) {
      throw new UpstreamError("E_CONNECTION", `${this.name}: ${String(cause)}`, { cause });
    }
    const descriptor = (socket as WithDescriptor).fd;
    const onAbort = (): void => answer.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    let sends = 0;
    const send = (): void => {
      if (sends++ < SENDS_MAX) socket.send(asked);
    };
    const timer = setInterval(send, AGAIN_MS);
    try {
      if (descriptor !== undefined) this.sockets.prepareDatagrams?.(descriptor);
      send();
      return await answer.promise;
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", onAbort);
      socket.close();
    }
  }

  async #askByTcp(asked: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const { address, port } = this.target;
    const answer = Promise.withResolvers<Uint8Array>();
    const { sockets } = this;
    const given = sockets.connectPlain?.(address, port) ?? sockets.connect?.(address, port);
    const socket: Duplex = given ?? connectTcp({ host: address, port });
    const fail = (code: "E_CONNECTION" | "E_ANSWER", message: string): void => {
      answer.reject(new UpstreamError(code, `${this.name} by TCP: ${message}`));
    };
    const reader = new MessageReader();
    socket.on("data", (chunk: Uint8Array) => {
      const [octets] = reader.push(chunk);
      if (octets === undefined) return;
      if (readAnswer(octets, asked) === undefined) fail("E_ANSWER", "expected the answer to the question");
      else answer.resolve(octets);
    });
    socket.on("error", (error: Error) => fail("E_CONNECTION", error.message));
    socket.on("close", () => fail("E_CONNECTION", "closed before the answer"));
    const onAbort = (): void => answer.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    socket.write(framed(asked));
    try {
      return await answer.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
    }
  }
}
