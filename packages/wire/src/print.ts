// One packet, one line, for people and golden pages:
//
//   TCP 192.0.2.7:40000 > 203.0.113.9:443 PA seq=1 ack=1 len=517 hello(sni=video.example.org)
//   UDP [2001:db8::1]:5000 > [2001:db8::2]:53 len=33 data
//   ICMP 192.0.2.7 > 203.0.113.9 request id=1 seq=1 len=56 data
//   TCP 192.0.2.7 > 203.0.113.9 frag=185+ len=1480 data     a later fragment; + more follow
//   IP 192.0.2.7 > 203.0.113.9 proto=47 len=20 data
//   malformed len=12
//
// Behind these stand, only where they are so: cut (the message goes on past this packet), ttl=4 (not 64), badsum.
import { formatEndpoint } from "./address.ts";
import { verifyChecksums } from "./checksum.ts";
import { decodePacket } from "./decode.ts";
import { readHttpRequest } from "./http.ts";
import { be16, octetAt } from "./octets.ts";
import { formatTcpFlags, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, TCP_ACK } from "./protocol.ts";
import { readClientHello } from "./tls-read.ts";
import type { DecodedPacket } from "./types.ts";

/** The hop limit that goes without saying. */
export const USUAL_HOP_LIMIT = 64;

const ECHO_NAMES: Readonly<Record<number, string>> = {
  0: "reply",
  8: "request",
  128: "request",
  129: "reply",
};

/** The line of a packet, without line break. Never throws. */
export function printPacket(octets: Uint8Array): string {
  const packet = decodePacket(octets);
  if (packet.family === 0) return `malformed len=${octets.length}`;
  const { ip, transport } = verifyChecksums(octets);
  const words = [
    ...headWords(packet, octets),
    `len=${packet.payloadBytes}`,
    ...contentWords(packet),
    packet.hopLimit === USUAL_HOP_LIMIT ? "" : `ttl=${packet.hopLimit}`,
    ip === false || transport === false ? "badsum" : "",
  ];
  return words.filter((text) => text !== "").join(" ");
}

function headWords(packet: DecodedPacket, octets: Uint8Array): string[] {
  const fragment = packet.fragment ? `frag=${packet.fragmentOffset}${packet.moreFragments ? "+" : ""}` : "";
  const name = protocolName(packet);
  // Without a transport header of its own: later fragments, cut first ones, protocols that we do not read.
  if (packet.payloadOffset === packet.l4Offset) {
    const number = name === "IP" ? `proto=${packet.protocol}` : "";
    return [name, packet.source, ">", packet.destination, number, fragment];
  }
  if (name === "ICMP") {
    return [name, packet.source, ">", packet.destination, ...icmpWords(octets, packet.l4Offset), fragment];
  }
  const from = formatEndpoint(packet.source, packet.sourcePort);
  const to = formatEndpoint(packet.destination, packet.destinationPort);
  if (name === "UDP") return [name, from, ">", to, fragment];
  const ack = (packet.tcpFlags & TCP_ACK) !== 0 ? `ack=${packet.ack}` : "";
  return [name, from, ">", to, formatTcpFlags(packet.tcpFlags), `seq=${packet.seq}`, ack, fragment];
}

function protocolName({ family, protocol }: DecodedPacket): "TCP" | "UDP" | "ICMP" | "IP" {
  if (protocol === PROTOCOL_TCP) return "TCP";
  if (protocol === PROTOCOL_UDP) return "UDP";
  return protocol === (family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6) ? "ICMP" : "IP";
}

function icmpWords(octets: Uint8Array, at: number): string[] {
  const type = octetAt(octets, at);
  const code = octetAt(octets, at + 1);
  const echo = code === 0 ? ECHO_NAMES[type] : undefined;
  if (echo === undefined) return [`type=${type}`, `code=${code}`];
  return [echo, `id=${be16(octets, at + 4)}`, `seq=${be16(octets, at + 6)}`];
}

function contentWords(packet: DecodedPacket): string[] {
  if (packet.payloadBytes === 0) return [];
  // Only a segment that shows its own start is looked into.
  if (packet.protocol !== PROTOCOL_TCP || packet.payloadOffset === packet.l4Offset) return ["data"];
  const hello = readClientHello(packet.payload);
  if (hello) {
    return [
      `hello(${hello.serverName === undefined ? "" : `sni=${shown(hello.serverName)}`})`,
      hello.complete ? "" : "cut",
    ];
  }
  const request = readHttpRequest(packet.payload);
  if (request) return [`http(${request.host === undefined ? "" : `host=${shown(request.host)}`})`];
  return ["data"];
}

/** What is no usual character of a host name is shown as `\x` and two digits, so that a line stays a line. */
function shown(name: string): string {
  return name.replace(/[^0-9A-Za-z._-]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
