// An upstream asked over HTTPS (RFC 8484). The connection is kept, and made again when it has ended.
import { readAnswer } from "./ask.ts";
import { DohConnection } from "./doh-connection.ts";
import { UpstreamError } from "./errors.ts";
import { happyStart } from "./happy-start.ts";
import { addressesOf, type DohTarget, type Sockets, type Upstream } from "./upstream.ts";

/** The next address is tried after so long. RFC 8305 section 8. */
const NEXT_ADDRESS_MS = 250;
const CONNECT_MS = 10_000;

/** Besides what a target says. */
export interface DohOptions {
  readonly method: "POST" | "GET";
  readonly ca?: string;
  readonly sockets: Sockets;
}

export class DohUpstream implements Upstream {
  readonly name: string;
  readonly isPrivate = true;
  readonly #url: URL;
  readonly #addresses: readonly string[];
  readonly #life = new AbortController();
  #opening: Promise<DohConnection> | undefined;
  #live: DohConnection | undefined;

  constructor(
    target: DohTarget,
    readonly options: DohOptions,
  ) {
    this.name = target.url;
    this.#url = new URL(target.url);
    this.#addresses = addressesOf(target);
  }

  async exchange(asked: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const [connection, isFresh] = await this.#connected(signal);
    try {
      return checked(this.name, asked, await connection.ask(asked, signal));
    } catch (error) {
      // Nothing came in time, or the connection broke: the next question gets a new one.
      const isBroken = isTimeout(signal) || (error instanceof UpstreamError && error.code === "E_CONNECTION");
      if (isBroken) this.#forget(connection);
      if (signal.aborted || !isBroken || isFresh) throw error;
    }
    // A server ends idle connections when it likes, and a question may cross that.
    const [again] = await this.#connected(signal);
    return checked(this.name, asked, await again.ask(asked, signal));
  }

  restart(): void {
    const kept = this.#live;
    this.#live = undefined;
    this.#opening = undefined;
    kept?.close();
  }

  close(): void {
    this.#life.abort(new Error("closed"));
    this.restart();
  }

  /** The connection, and whether it was made for this question. */
  async #connected(signal: AbortSignal): Promise<readonly [DohConnection, boolean]> {
    const kept = this.#live;
    if (kept?.isOpen === true) return [kept, false];
    if (kept !== undefined) this.#forget(kept);
    this.#opening ??= this.#open();
    // Those who wait for the same connection outlast the one who began it.
    return [await orAbort(this.#opening, signal), true];
  }

  async #open(): Promise<DohConnection> {
    const { method, ca, sockets } = this.options;
    const ways = this.#addresses.map((address) => {
      const options = { url: this.#url, address, method, sockets, ...(ca !== undefined && { ca }) };
      return (signal: AbortSignal) => DohConnection.open(options, signal);
    });
    const signal = AbortSignal.any([this.#life.signal, AbortSignal.timeout(CONNECT_MS)]);
    try {
      const connection = await happyStart(ways, NEXT_ADDRESS_MS, signal, (late) => late.close());
      this.#live = connection;
      return connection;
    } finally {
      this.#opening = undefined;
    }
  }

  #forget(connection: DohConnection): void {
    connection.close();
    if (this.#live === connection) this.#live = undefined;
  }
}

function checked(name: string, asked: Uint8Array, octets: Uint8Array): Uint8Array {
  if (readAnswer(octets, asked) !== undefined) return octets;
  throw new UpstreamError("E_ANSWER", `${name}: expected the answer to the question, found ${octets.length} octets`);
}

function isTimeout({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof DOMException && reason.name === "TimeoutError";
}

function orAbort<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener("abort", onAbort));
}
