// A DoH server on loopback that does with each question what a test says.
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse, type Http2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { KeyPair } from "./certificate.ts";

/** What was asked, and how to answer it. */
export interface Asked {
  readonly query: Uint8Array;
  readonly method: string;
  readonly path: string;
  readonly session: Http2Session | undefined;
  readonly response: Http2ServerResponse;
  /** 200 with this message. */
  answer(octets: Uint8Array): void;
}

export interface DohServer extends AsyncDisposable {
  readonly port: number;
  /** Questions so far. */
  readonly asked: Asked[];
  /** Connections so far. */
  readonly sessions: Http2Session[];
}

/** @param act what becomes of a question */
export async function dohServer(pair: KeyPair, act: (asked: Asked) => void): Promise<DohServer> {
  const asked: Asked[] = [];
  const sessions: Http2Session[] = [];
  const server = createSecureServer({ key: pair.key, cert: pair.cert });
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => undefined);
  });
  server.on("request", (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const chunks: Uint8Array[] = [];
    response.on("error", () => undefined);
    request.on("error", () => undefined);
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => {
      const dns = new URL(request.url, "https://dns.example.org").searchParams.get("dns");
      const query = dns === null ? Buffer.concat(chunks) : Buffer.from(dns, "base64url");
      const one: Asked = {
        query: new Uint8Array(query),
        method: request.method,
        path: request.url,
        session: request.stream.session,
        response,
        answer(octets) {
          response.writeHead(200, { "content-type": "application/dns-message", "content-length": octets.length });
          response.end(octets);
        },
      };
      asked.push(one);
      act(one);
    });
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", () => listening.resolve());
  await listening.promise;
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    sessions,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const session of sessions) session.destroy();
      await closed.promise;
    },
  };
}
