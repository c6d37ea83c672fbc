// The packet of a line as print.ts writes it, for golden pages: whole TCP, UDP and ICMP echo packets.
import { parseEndpoint } from "./address.ts";
import { decodePacket } from "./decode.ts";
import { WireError } from "./errors.ts";
import { httpRequest } from "./http.ts";
import type { IpFields } from "./ip-packet.ts";
import { be16, setBe16 } from "./octets.ts";
import {
  ICMP_CHECKSUM_OFFSET,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP_CHECKSUM_OFFSET,
  UDP_CHECKSUM_OFFSET,
} from "./protocol.ts";
import { clientHello, type ClientHelloFields } from "./tls-hello.ts";
import { icmpEcho, tcpPacket, udpPacket } from "./transport.ts";

/** The words of a line behind the addresses. */
interface Words {
  readonly numbers: ReadonlyMap<string, number>;
  readonly flags: string | undefined;
  readonly echo: string | undefined;
  readonly content: Content | undefined;
  readonly badSum: boolean;
}

interface Content {
  readonly kind: "hello" | "http" | "data";
  readonly host?: string;
}

/**
 * Builds the packet of `TCP a:p > b:p FLAGS seq=N ack=N len=N hello(sni=…)|http(host=…)|data`, with `ttl=N` and
 * `badsum` where they stand; likewise for UDP and ICMP echo. What is left out takes the builder's default; a hello or
 * request without `len` has its natural size, with it exactly that size. `printPacket` gives the line back.
 * @throws WireError E_WIRE_LINE, E_WIRE_ADDRESS, E_WIRE_FIELD
 */
export function packetFromLine(line: string): Uint8Array {
  const [protocol, from, arrow, to, ...rest] = line.trim().split(/\s+/);
  if (from === undefined || to === undefined || arrow !== ">") throw lineError("PROTOCOL source > destination", line);
  const words = readWords(rest, line);
  const packet = buildPacket(protocol ?? "", from, to, words, line);
  return words.badSum ? withBadSum(packet) : packet;
}

function buildPacket(protocol: string, from: string, to: string, words: Words, line: string): Uint8Array {
  const payload = payloadOf(words, line);
  if (protocol === "ICMP") {
    if (words.echo === undefined) throw lineError("request or reply", line);
    const fields = { ...ipFields(from, to, words), payload, reply: words.echo === "reply" };
    return icmpEcho({
      ...fields,
      ...given(words, "id", "identifier"),
      ...given(words, "seq", "sequence"),
    });
  }
  const source = parseEndpoint(from);
  const destination = parseEndpoint(to);
  const fields = {
    ...ipFields(source.address, destination.address, words),
    sourcePort: source.port,
    destinationPort: destination.port,
    payload,
  };
  if (protocol === "UDP") return udpPacket(fields);
  if (protocol !== "TCP") throw lineError("TCP, UDP or ICMP", line);
  const flags = words.flags === undefined ? {} : { flags: words.flags };
  return tcpPacket({
    ...fields,
    ...flags,
    ...given(words, "seq", "seq"),
    ...given(words, "ack", "ack"),
  });
}

function readWords(texts: readonly string[], line: string): Words {
  const numbers = new Map<string, number>();
  let flags: string | undefined;
  let echo: string | undefined;
  let content: Content | undefined;
  let badSum = false;
  for (const text of texts) {
    const number = /^(seq|ack|len|ttl|id)=(\d+)$/.exec(text);
    const message = /^(?:(hello)\((?:sni=([^()\\]+))?\)|(http)\((?:host=([^()\\]+))?\)|(data))$/.exec(text);
    if (number) numbers.set(number[1] ?? "", Number(number[2]));
    else if (message) content = contentOf(message);
    else if (text === "badsum") badSum = true;
    else if (text === "request" || text === "reply") echo = text;
    else if (/^(?:[FSRPAUEC]+|-)$/.test(text)) flags = text;
    else throw lineError("flags, seq=, ack=, len=, ttl=, id=, hello(), http(), data or badsum", text);
  }
  if (numbers.has("len") && numbers.get("len") !== 0 && !content) throw lineError("hello(), http() or data", line);
  return { numbers, flags, echo, content, badSum };
}

function contentOf(match: RegExpExecArray): Content {
  const kind = match[1] === "hello" ? "hello" : match[3] === "http" ? "http" : "data";
  const host = match[2] ?? match[4];
  return host === undefined ? { kind } : { kind, host };
}

function ipFields(source: string, destination: string, words: Words): IpFields {
  return { source, destination, ...given(words, "ttl", "hopLimit") };
}

/** `{ [field]: number }` when the line has the word, else nothing: then the builder's default holds. */
function given<F extends string>(words: Words, word: string, field: F): { readonly [K in F]?: number } {
  const value = words.numbers.get(word);
  return (value === undefined ? {} : { [field]: value }) as { readonly [K in F]?: number };
}

function payloadOf({ content, numbers }: Words, line: string): Uint8Array {
  const bytes = numbers.get("len");
  if (!content) return new Uint8Array(0);
  if (content.kind === "hello") return sizedHello(content.host, bytes);
  if (content.kind === "http") return sizedRequest(content.host, bytes, line);
  if (bytes === undefined) throw lineError("len= beside data", line);
  // Starts with a zero, so that it is neither a hello nor a request.
  return Uint8Array.from({ length: bytes }, (_, index) => index & 0xff);
}

/** The richest hello that can be padded to the size: padding needs four octets, small hellos need few suites. */
function sizedHello(serverName: string | undefined, bytes: number | undefined): Uint8Array {
  const name = serverName === undefined ? {} : { serverName };
  if (bytes === undefined) return clientHello(name);
  const lean: ClientHelloFields = {
    ...name,
    alpn: [],
    cipherSuites: [0x1301],
    sessionId: new Uint8Array(0),
  };
  const candidates: readonly ClientHelloFields[] = [
    name,
    { ...name, sessionId: new Uint8Array(28) },
    { ...lean, cipherSuites: [0x1301, 0x1302, 0x1303] },
    lean,
    { ...lean, keyShareBytes: 28 },
    { ...lean, keyShareBytes: 1 },
  ];
  const fitting = candidates.find((fields) => {
    const missing = bytes - clientHello(fields).length;
    return missing === 0 || missing >= 4;
  });
  return clientHello({ ...(fitting ?? lean), padToBytes: bytes });
}

function sizedRequest(host: string | undefined, bytes: number | undefined, line: string): Uint8Array {
  const name = host === undefined ? {} : { host };
  const natural = httpRequest(name);
  const missing = (bytes ?? natural.length) - natural.length;
  if (missing < 0) throw lineError(`len= of at least ${natural.length}`, line);
  return httpRequest({ ...name, path: `/${"a".repeat(missing)}` });
}

/** The transport checksum off by one, skipping the value that would mean: none. */
function withBadSum(packet: Uint8Array): Uint8Array {
  const { protocol, l4Offset } = decodePacket(packet);
  const offset =
    protocol === PROTOCOL_TCP
      ? TCP_CHECKSUM_OFFSET
      : protocol === PROTOCOL_UDP
        ? UDP_CHECKSUM_OFFSET
        : ICMP_CHECKSUM_OFFSET;
  const right = be16(packet, l4Offset + offset);
  setBe16(packet, l4Offset + offset, right === 1 ? 2 : right ^ 1);
  return packet;
}

function lineError(expected: string, found: string): WireError {
  return new WireError("E_WIRE_LINE", `packet line must have ${expected}, found ${JSON.stringify(found)}`);
}
