// Words of a packet's line that golden pages know besides those of `printPacket`:
//
//   in and out: id=7  opts=nop,nop,ts:100,mss:1460,ws:7,sackok,md5
//   in: quic(sni=…)  dns(name=…)
//   out: tos=4  win=1  hbh (a hop-by-hop header)  delay=20  text=abc (a short payload of letters)
import { decodePacket, packetFromLine, printPacket, quicInitial, type TcpOption, tcpOptions } from "@bunnel/wire";
import { PROTOCOL_TCP, tcpOptionsOf, tcpPacket, udpPacket } from "@bunnel/wire";

const IPV6_HOP_BY_HOP = 0;
const SHORT_TEXT = /^[a-z0-9.-]{1,40}$/u;

/** The packet of a line. @throws WireError when a word is not known */
export function packetOfLine(line: string): Uint8Array {
  const words = line.split(/\s+/u);
  const own = (key: string): string | undefined =>
    words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  const quic = /quic\(sni=([^)]+)\)/u.exec(line)?.[1];
  const dns = /dns\(name=([^)]+)\)/u.exec(line)?.[1];
  const rest = words.filter((word) => !/^(?:id|opts)=|^(?:quic|dns)\(/u.test(word) || word.startsWith("ICMP"));
  const packet = packetFromLine(rest.join(" "));
  const { source, destination, sourcePort, destinationPort, hopLimit, ...decoded } = decodePacket(packet);
  const ends = { source, destination, sourcePort, destinationPort, hopLimit, id: Number(own("id") ?? 1) };
  if (quic !== undefined) return udpPacket({ ...ends, payload: quicInitial({ serverName: quic }) });
  if (dns !== undefined) return udpPacket({ ...ends, payload: dnsQuery(dns) });
  if (decoded.protocol !== PROTOCOL_TCP || words.includes("badsum")) return packet;
  const { seq, ack, tcpFlags: flags, payload } = decoded;
  const options = tcpOptions(
    (own("opts") ?? "")
      .split(",")
      .filter((word) => word !== "")
      .map(readOption),
  );
  return tcpPacket({ ...ends, seq, ack, flags, payload, options });
}

/** The packet's line with all words. */
export function lineOfPacket(packet: Uint8Array, delayMs: number): string {
  const { family, protocol, id, l4Offset, payloadOffset, payload } = decodePacket(packet);
  if (family === 0) return printPacket(packet);
  const octet = (at: number): number => packet[at] ?? 0;
  const tos = family === 4 ? octet(1) : ((octet(0) & 15) << 4) | (octet(1) >> 4);
  const isWhole = protocol === PROTOCOL_TCP && payloadOffset >= l4Offset + 20;
  const text = Buffer.from(payload).toString("latin1");
  const options = tcpOptionsOf(packet).map(writeOption).join(",");
  return [
    printPacket(packet),
    ...(family === 4 ? [`id=${id}`] : octet(6) === IPV6_HOP_BY_HOP ? ["hbh"] : []),
    `tos=${tos}`,
    ...(isWhole ? [`win=${(octet(l4Offset + 14) << 8) | octet(l4Offset + 15)}`] : []),
    ...(options === "" ? [] : [`opts=${options}`]),
    ...(SHORT_TEXT.test(text) ? [`text=${text}`] : []),
    `delay=${delayMs}`,
  ].join(" ");
}

/** A query for the addresses of a name (RFC 1035 section 4.1). */
export function dnsQuery(name: string): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Uint8Array.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
}

function readOption(word: string): TcpOption {
  const [name = "", number = "0"] = word.split(":");
  if (name === "mss") return { kind: "mss", bytes: Number(number) };
  if (name === "ws") return { kind: "windowScale", shift: Number(number) };
  if (name === "ts") return { kind: "timestamps", value: Number(number), echo: 1 };
  return name === "sackok" ? { kind: "sackPermitted" } : { kind: "nop" };
}

function writeOption(option: TcpOption): string {
  if (option.kind === "mss") return `mss:${option.bytes}`;
  if (option.kind === "windowScale") return `ws:${option.shift}`;
  if (option.kind === "timestamps") return `ts:${option.value}`;
  return option.kind === "sackPermitted" ? "sackok" : option.kind;
}
