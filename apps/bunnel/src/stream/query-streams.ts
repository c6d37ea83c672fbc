// DNS over TCP of the device's connections: the relay carries them to a listener on loopback, which answers. Each
// server that was asked, with the resolver that the rule names, has a listener of its own, and so tells which it was.
import { createServer, type Server, type Socket } from "node:net";
import type { AnswerDns, DnsServer } from "@bunnel/backend";
import { serveDnsStream } from "@bunnel/resolver";

const LOOPBACK = "127.0.0.1";
/** A machine has a few servers; beyond it the one that was asked first makes room. */
const LISTENERS_MAX = 64;
/** A connection without a query for so long is closed (RFC 7766 section 6.2.3). */
const IDLE_MS = 30_000;

export class QueryStreams implements Disposable {
  readonly #listeners = new Map<string, Promise<Server>>();

  constructor(private readonly answer: AnswerDns) {}

  /** Where queries to this server are answered. Rejects when nothing can be listened on. */
  async at(server: DnsServer, resolver?: DnsServer): Promise<DnsServer> {
    const key = JSON.stringify([server.address, server.port, resolver?.address, resolver?.port]);
    const known = this.#listeners.get(key) ?? this.#listen(key, server, resolver);
    const address = (await known).address();
    if (address === null || typeof address === "string") throw new Error("queries: expected a port, found none");
    return { address: LOOPBACK, port: address.port };
  }

  close(): void {
    for (const listener of this.#listeners.values()) void listener.then((open) => open.close()).catch(() => undefined);
    this.#listeners.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #listen(key: string, server: DnsServer, resolver: DnsServer | undefined): Promise<Server> {
    const [oldest] = this.#listeners;
    if (oldest !== undefined && this.#listeners.size >= LISTENERS_MAX) {
      this.#listeners.delete(oldest[0]);
      void oldest[1].then((open) => open.close()).catch(() => undefined);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Server>();
    const listener = createServer({ allowHalfOpen: true }, (socket) => {
      const named = resolver === undefined ? { server } : { server, resolver };
      void this.#serve(socket, named).catch(() => socket.destroy());
    });
    listener.once("error", (error) => {
      this.#listeners.delete(key);
      reject(error);
    });
    listener.listen({ host: LOOPBACK, port: 0 }, () => resolve(listener));
    this.#listeners.set(key, promise);
    return promise;
  }

  async #serve(socket: Socket, named: { readonly server: DnsServer; readonly resolver?: DnsServer }): Promise<void> {
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("error", () => undefined);
    const answer = (query: Uint8Array): Promise<Uint8Array | undefined> => this.answer({ ...named, query });
    await serveDnsStream(socket, answer, (octets) => void socket.write(octets));
    socket.end();
  }
}
