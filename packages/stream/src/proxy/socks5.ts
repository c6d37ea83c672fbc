// SOCKS 5 (RFC 1928) with user name and password (RFC 1929), from the server's side: messages in, messages out.
import { formatAddress, parseAddress } from "@bunnel/wire";
import type { SocketAddress } from "../relay-options.ts";

export const SOCKS_VERSION = 5;
const AUTHENTICATION_VERSION = 1;
const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;
const NO_METHOD = 0xff;
const CONNECT = 1;
const UDP_ASSOCIATE = 3;
const IPV4 = 1;
const DOMAIN = 3;
const IPV6 = 4;
const decoder = new TextDecoder("latin1");

/** Reply codes of RFC 1928 section 6. */
export const SocksReply = {
  Succeeded: 0,
  GeneralFailure: 1,
  NotAllowed: 2,
  NetworkUnreachable: 3,
  HostUnreachable: 4,
  ConnectionRefused: 5,
  TtlExpired: 6,
  CommandNotSupported: 7,
  AddressTypeNotSupported: 8,
} as const;
/** One of them. */
export type SocksReplyCode = (typeof SocksReply)[keyof typeof SocksReply];

/** A name and a password that clients must give. */
export interface ProxyUser {
  readonly name: string;
  readonly password: string;
}

/** Where somebody wants to go: an address, or a name to be resolved. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/** What the first octets of a message are. `bytes`: how many the message has. */
export type Greeting = "more" | "broken" | { readonly methods: readonly number[]; readonly bytes: number };

export function readGreeting(octets: Uint8Array): Greeting {
  const [version = SOCKS_VERSION, count] = octets;
  if (version !== SOCKS_VERSION) return "broken";
  if (count === undefined || octets.length < 2 + count) return "more";
  return { methods: [...octets.subarray(2, 2 + count)], bytes: 2 + count };
}

/** The method that is chosen, and the answer that says so; undefined: none that will do. */
export function chooseMethod(
  methods: readonly number[],
  user: ProxyUser | undefined,
): { readonly answer: Uint8Array; readonly method: "none" | "password" | undefined } {
  const wanted = user === undefined ? NO_AUTHENTICATION : USER_AND_PASSWORD;
  const isOffered = methods.includes(wanted);
  const method = user === undefined ? "none" : "password";
  return {
    answer: Uint8Array.of(SOCKS_VERSION, isOffered ? wanted : NO_METHOD),
    method: isOffered ? method : undefined,
  };
}

export type Credentials = "more" | "broken" | (ProxyUser & { readonly bytes: number });

/** RFC 1929 section 2: version, name length, name, password length, password. */
export function readCredentials(octets: Uint8Array): Credentials {
  const [version = AUTHENTICATION_VERSION, nameBytes] = octets;
  if (version !== AUTHENTICATION_VERSION) return "broken";
  if (nameBytes === undefined) return "more";
  const passwordBytes = octets[2 + nameBytes];
  if (passwordBytes === undefined) return "more";
  const bytes = 3 + nameBytes + passwordBytes;
  if (octets.length < bytes) return "more";
  const text = (from: number, to: number) => new TextDecoder().decode(octets.subarray(from, to));
  return { name: text(2, 2 + nameBytes), password: text(3 + nameBytes, bytes), bytes };
}

/** RFC 1929 section 2: anything but 0 is a refusal. */
export function credentialsAnswer(isRight: boolean): Uint8Array {
  return Uint8Array.of(AUTHENTICATION_VERSION, isRight ? 0 : 1);
}

export type SocksRequest =
  | "more"
  | "broken"
  | { readonly refused: SocksReplyCode }
  | (ProxyTarget & { readonly command: "connect" | "associate"; readonly bytes: number });

/** RFC 1928 section 4. */
export function readSocksRequest(octets: Uint8Array): SocksRequest {
  const [version = SOCKS_VERSION, command] = octets;
  if (version !== SOCKS_VERSION) return "broken";
  const target = readTarget(octets, 3);
  if (command === undefined || target === "more") return "more";
  if (target === "unknown") return { refused: SocksReply.AddressTypeNotSupported };
  // A name without an octet is none, and nobody is asked for it.
  if (target.host === "") return { refused: SocksReply.HostUnreachable };
  if (command === CONNECT) return { command: "connect", ...target };
  if (command === UDP_ASSOCIATE) return { command: "associate", ...target };
  return { refused: SocksReply.CommandNotSupported };
}

/** The reply, with the address that was bound. */
export function socksReply(code: SocksReplyCode, bound: SocketAddress = { address: "0.0.0.0", port: 0 }): Uint8Array {
  return Uint8Array.of(SOCKS_VERSION, code, 0, ...targetOctets(bound));
}

export type SocksDatagram = ProxyTarget & { readonly payload: Uint8Array };

/** The request header of RFC 1928 section 7 and what is behind it; undefined: it is none, or a fragment. */
export function readSocksDatagram(octets: Uint8Array): SocksDatagram | undefined {
  if (octets.length < 4 || octets[0] !== 0 || octets[1] !== 0 || octets[2] !== 0) return undefined;
  const target = readTarget(octets, 3);
  if (typeof target === "string") return undefined;
  return { host: target.host, port: target.port, payload: octets.subarray(target.bytes) };
}

/** An answer's datagram, with the address that it came from. */
export function socksDatagram(from: SocketAddress, payload: Uint8Array): Uint8Array {
  const header = targetOctets(from);
  const datagram = new Uint8Array(3 + header.length + payload.length);
  datagram.set(header, 3);
  datagram.set(payload, 3 + header.length);
  return datagram;
}

/** Address type, address and port at `at`; `bytes` counts from the message's start. */
function readTarget(octets: Uint8Array, at: number): (ProxyTarget & { readonly bytes: number }) | "more" | "unknown" {
  const type = octets[at];
  const length = octets[at + 1];
  if (type === undefined || length === undefined) return "more";
  if (type !== IPV4 && type !== IPV6 && type !== DOMAIN) return "unknown";
  const start = type === DOMAIN ? at + 2 : at + 1;
  const end = start + (type === DOMAIN ? length : type === IPV4 ? 4 : 16);
  if (octets.length < end + 2) return "more";
  const address = octets.subarray(start, end);
  const port = ((octets[end] ?? 0) << 8) | (octets[end + 1] ?? 0);
  return { host: type === DOMAIN ? decoder.decode(address) : formatAddress(address), port, bytes: end + 2 };
}

function targetOctets({ address, port }: SocketAddress): Uint8Array {
  const octets = parseAddress(address);
  return Uint8Array.of(octets.length === 4 ? IPV4 : IPV6, ...octets, port >> 8, port & 0xff);
}
