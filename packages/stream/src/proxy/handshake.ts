// What a client of the proxy says before its connection begins: SOCKS 5 or HTTP, told apart by the first octet.
import { headEnd, MESSAGE_MAX_BYTES } from "../message/first-message.ts";
import type { SocketAddress } from "../relay-options.ts";
import { EACCES, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT } from "../sys.ts";
import { CONNECTED, isAuthorised, readProxyRequest, refusalAnswer } from "./http.ts";
import {
  chooseMethod,
  credentialsAnswer,
  readCredentials,
  readGreeting,
  readSocksRequest,
  SocksReply,
  socksReply,
  SOCKS_VERSION,
  type ProxyTarget,
  type ProxyUser,
  type SocksReplyCode,
} from "./socks5.ts";

/** What the octets so far lead to. */
export type HandshakeStep =
  | { readonly next: "more" }
  /** Send this, and go on with what is behind the first `bytes`. */
  | { readonly next: "answer"; readonly answer: Uint8Array; readonly bytes: number }
  /** Send this if there is something, and end the connection. */
  | { readonly next: "refuse"; readonly answer?: Uint8Array }
  | ProxyWish;

/** What the client wants. What is behind the first `bytes` belongs to the connection. */
export interface ProxyWish {
  readonly next: "connect" | "associate";
  readonly target: ProxyTarget;
  readonly bytes: number;
  /** Its requests bring their targets with them (plain HTTP). */
  readonly isAbsolute: boolean;
  /** What the client is told when it is connected; `bound` is our address towards the target. */
  connected(bound: SocketAddress): Uint8Array | undefined;
  /** What it is told when it is not; 0: the name has no address. */
  failed(errno: number): Uint8Array;
}

/** A handshake: each call gets the octets that are left of what came. */
export class Handshake {
  #stage: "start" | "password" | "request" = "start";

  constructor(private readonly user: ProxyUser | undefined) {}

  step(octets: Uint8Array): HandshakeStep {
    if (octets.length === 0) return { next: "more" };
    if (this.#stage === "password") return this.#password(octets);
    if (this.#stage === "request") return this.#request(octets);
    return octets[0] === SOCKS_VERSION ? this.#greeting(octets) : this.#http(octets);
  }

  #greeting(octets: Uint8Array): HandshakeStep {
    const greeting = readGreeting(octets);
    if (greeting === "more") return { next: "more" };
    if (greeting === "broken") return { next: "refuse" };
    const { answer, method } = chooseMethod(greeting.methods, this.user);
    if (method === undefined) return { next: "refuse", answer };
    this.#stage = method === "password" ? "password" : "request";
    return { next: "answer", answer, bytes: greeting.bytes };
  }

  #password(octets: Uint8Array): HandshakeStep {
    const credentials = readCredentials(octets);
    if (credentials === "more") return { next: "more" };
    if (credentials === "broken") return { next: "refuse" };
    const isRight = credentials.name === this.user?.name && credentials.password === this.user.password;
    const answer = credentialsAnswer(isRight);
    if (!isRight) return { next: "refuse", answer };
    this.#stage = "request";
    return { next: "answer", answer, bytes: credentials.bytes };
  }

  #request(octets: Uint8Array): HandshakeStep {
    const request = readSocksRequest(octets);
    if (request === "more") return { next: "more" };
    if (request === "broken") return { next: "refuse" };
    if ("refused" in request) return { next: "refuse", answer: socksReply(request.refused) };
    const { command, host, port, bytes } = request;
    return {
      next: command,
      target: { host, port },
      bytes,
      isAbsolute: false,
      connected: (bound) => socksReply(SocksReply.Succeeded, bound),
      failed: (error) => socksReply(replyCode(error)),
    };
  }

  #http(octets: Uint8Array): HandshakeStep {
    // A method is a token of letters (RFC 9110 section 5.6.2); anything else will never be a request.
    if (!/^[A-Z]/.test(String.fromCharCode(octets[0] ?? 0))) return { next: "refuse" };
    const end = headEnd(octets);
    if (end < 0 && octets.length < MESSAGE_MAX_BYTES) return { next: "more" };
    const head = octets.subarray(0, Math.max(end, 0));
    const request = readProxyRequest(head);
    if (request.form === "broken" || request.form === "origin") {
      return refuse(400, "a proxy expects CONNECT host:port, or a request for http://host/path");
    }
    if (!isAuthorised(head, this.user)) return refuse(407, "this proxy asks for a name and a password");
    const { form, target } = request;
    const isAbsolute = form === "absolute";
    return {
      next: "connect",
      target,
      bytes: isAbsolute ? 0 : end,
      isAbsolute,
      connected: () => (isAbsolute ? undefined : CONNECTED),
      failed: (error) => failure(target, error),
    };
  }
}

function refuse(status: 400 | 407, why: string): HandshakeStep {
  return { next: "refuse", answer: refusalAnswer(status, why) };
}

function failure({ host, port }: ProxyTarget, error: number): Uint8Array {
  const status = error === ETIMEDOUT ? 504 : 502;
  const why = error === 0 ? "the name has no address" : (WORDS[error] ?? "it could not be connected");
  return refusalAnswer(status, `${host}:${port}: ${why}`);
}

const WORDS: Readonly<Record<number, string>> = {
  [ECONNREFUSED]: "the connection was refused",
  [ETIMEDOUT]: "nobody answered in time",
  [ENETUNREACH]: "the network is unreachable",
  [EHOSTUNREACH]: "the host is unreachable",
};

const CODES: Readonly<Record<number, SocksReplyCode>> = {
  [EACCES]: SocksReply.NotAllowed,
  0: SocksReply.HostUnreachable,
  [ECONNREFUSED]: SocksReply.ConnectionRefused,
  [ETIMEDOUT]: SocksReply.HostUnreachable,
  [ENETUNREACH]: SocksReply.NetworkUnreachable,
  [EHOSTUNREACH]: SocksReply.HostUnreachable,
};

function replyCode(error: number): SocksReplyCode {
  return CODES[error] ?? SocksReply.GeneralFailure;
}
