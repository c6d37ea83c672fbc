// One HTTP/2 connection to a DoH server: opened to an address, its certificate checked against a name.
import type http2Module from "node:http2";
import type { ClientHttp2Session } from "node:http2";
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { UpstreamError } from "./errors.ts";
import { MESSAGE_MAX_BYTES } from "./message.ts";
import { bareHost, type Sockets } from "./upstream.ts";

/** Part of the run-time, and loaded with the first connection: it takes a tenth of the start of a service. */
const http2 = (): typeof http2Module => process.getBuiltinModule("node:http2");

const MEDIA_TYPE = "application/dns-message";

/** What a connection is opened with. */
export interface DohConnectionOptions {
  readonly url: URL;
  readonly address: string;
  readonly method: "POST" | "GET";
  /** Certificates of authorities, PEM, in the place of the system's. */
  readonly ca?: string;
  readonly sockets: Sockets;
}

export class DohConnection {
  #isOpen = true;

  private constructor(
    readonly session: ClientHttp2Session,
    readonly options: DohConnectionOptions,
  ) {
    const end = (): void => {
      this.#isOpen = false;
    };
    session.on("goaway", end);
    session.on("close", end);
    session.on("error", end);
  }

  /** @throws UpstreamError E_CONNECTION, E_CERTIFICATE */
  static async open(options: DohConnectionOptions, signal: AbortSignal): Promise<DohConnection> {
    const socket = await openTls(options, signal);
    const session = http2().connect(options.url.origin, { createConnection: () => socket });
    return new DohConnection(session, options);
  }

  /** Whether further questions can be put to it. */
  get isOpen(): boolean {
    return this.#isOpen && !this.session.closed && !this.session.destroyed;
  }

  /** @throws UpstreamError; the signal's reason when it is aborted */
  async ask(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const stream = this.session.request(this.#headers(query));
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    let said: number | undefined;
    const fail = (message: string, code: "E_CONNECTION" | "E_ANSWER" = "E_ANSWER"): void => {
      reject(new UpstreamError(code, `${this.options.url.host}: ${message}`));
      stream.close(http2().constants.NGHTTP2_CANCEL);
    };
    stream.on("response", (headers) => {
      const status = headers[":status"];
      const [type] = (headers["content-type"] ?? "none").split(";", 1);
      const length = headers["content-length"];
      said = length === undefined ? undefined : Number(length);
      if (status !== 200) fail(`status: expected 200, found ${status}`);
      else if (type !== MEDIA_TYPE) fail(`content type: expected ${MEDIA_TYPE}, found ${type}`);
    });
    stream.on("data", (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes > MESSAGE_MAX_BYTES) fail(`answer: expected at most ${MESSAGE_MAX_BYTES} octets, found more`);
      else chunks.push(chunk);
    });
    stream.on("end", () => {
      if (said !== undefined && said !== bytes) fail(`answer: expected ${said} octets as it said, found ${bytes}`);
      else resolve(new Uint8Array(Buffer.concat(chunks)));
    });
    stream.on("error", (error: Error) => fail(error.message, "E_CONNECTION"));
    stream.on("close", () => fail("the stream ended before the answer", "E_CONNECTION"));
    const onAbort = (): void => {
      reject(signal.reason);
      stream.close(http2().constants.NGHTTP2_CANCEL);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    stream.end(this.options.method === "POST" ? query : undefined);
    return promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  close(): void {
    this.#isOpen = false;
    this.session.destroy();
  }

  /** RFC 8484 section 4.1 */
  #headers(query: Uint8Array): Record<string, string | number> {
    const { pathname, search } = this.options.url;
    if (this.options.method === "POST") {
      const type = { "content-type": MEDIA_TYPE, "content-length": query.length };
      return { ":method": "POST", ":path": pathname + search, accept: MEDIA_TYPE, ...type };
    }
    const dns = query.toBase64({ alphabet: "base64url", omitPadding: true });
    const path = `${pathname}${search === "" ? "?" : `${search}&`}dns=${dns}`;
    return { ":method": "GET", ":path": path, accept: MEDIA_TYPE };
  }
}

function openTls({ url, address, ca, sockets }: DohConnectionOptions, signal: AbortSignal): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const port = url.port === "" ? 443 : Number(url.port);
  const raw = sockets.connect?.(address, port) ?? connectTcp({ host: address, port });
  const name = bareHost(url.hostname);
  const socket = connectTls({
    socket: raw,
    ALPNProtocols: ["h2"],
    // An address is no server name (RFC 6066 section 3); the certificate is checked against it all the same.
    ...(isIP(name) === 0 ? { servername: name } : { host: name }),
    ...(ca !== undefined && { ca }),
  });
  const fail = (error: Error): void => {
    const code = isCertificateError(error) ? "E_CERTIFICATE" : "E_CONNECTION";
    reject(new UpstreamError(code, `${url.host} at ${address}: ${error.message}`, { cause: error }));
    socket.destroy();
    raw.destroy();
  };
  raw.on("error", fail);
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("closed")));
  socket.on("secureConnect", () => {
    if (socket.alpnProtocol === "h2") resolve(socket);
    else fail(new Error(`protocol: expected h2, found ${socket.alpnProtocol || "none"}`));
  });
  const onAbort = (): void => fail(new Error("given up"));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}

function isCertificateError(error: Error): boolean {
  const code = "code" in error ? String(error.code) : "";
  return /CERT|ALTNAME|SELF_SIGNED|UNABLE_TO/.test(code);
}
