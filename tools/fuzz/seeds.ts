// Inputs to begin with: a message of each kind, whole and in parts, each under several strategies.
import { type FuzzInput, type FuzzPacket } from "./input.ts";
import { VNET_HEADER_BYTES } from "@bunnel/abi";
import {
  clientHello,
  fragmentsOf,
  httpRequest,
  icmpEcho,
  POST_QUANTUM_SHARE_BYTES,
  quicInitials,
  superDatagram,
  superPacket,
  tcpOptions,
  tcpPacket,
  udpPacket,
} from "@bunnel/wire";
import { seedTables } from "./seed-tables.ts";

const V4 = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000 };
const V6 = { source: "2001:db8::7", destination: "2001:db8:1::9", sourcePort: 40000 };
const HOST = "video.example.org";
const PIECE_BYTES = 600;
/** A query for the address of www.example.org (RFC 1035 section 4.1). */
export const QUERY = Uint8Array.fromHex("12340100000100000000000003777777076578616d706c65036f72670000010001");
const OPTIONS = tcpOptions([{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 7, echo: 9 }]);

/** For the parser: packets alone. For the poll: each scenario under each table. */
export function seedInputs(target: "parse" | "poll"): FuzzInput[] {
  const scenarios = seedScenarios();
  const tables = target === "parse" ? [new Uint8Array()] : seedTables();
  return tables.flatMap((table) => scenarios.map(({ options, packets }) => ({ options, table, packets })));
}

function seedScenarios(): readonly Omit<FuzzInput, "table">[] {
  const hello = clientHello({ serverName: HOST, padToBytes: 517 });
  const large = clientHello({ serverName: HOST, keyShareBytes: POST_QUANTUM_SHARE_BYTES });
  const request = httpRequest({ host: HOST, headers: [["User-Agent", "example/1.0"]] });
  const web = { ...V4, destinationPort: 443, seq: 1000 };
  const syn = tcpPacket({ ...web, seq: 999, flags: "S", options: tcpOptions([{ kind: "mss", bytes: 1460 }]) });
  const synAck = tcpPacket({
    ...{ source: V4.destination, destination: V4.source, sourcePort: 443, destinationPort: 40000 },
    ...{ seq: 5000, ack: 1000, flags: "SA", hopLimit: 52 },
  });
  const parts = piecesOf(large).map(({ at, octets }) => tcpPacket({ ...web, seq: 1000 + at, payload: octets }));
  const quic = (datagrams: number): Uint8Array[] =>
    quicInitials({ serverName: HOST, datagrams }).map((payload) => udpPacket({ ...V4, destinationPort: 443, payload }));
  const wholeHello = tcpPacket({ ...web, payload: hello });
  const largeDatagram = udpPacket({ ...V6, destinationPort: 443, payload: new Uint8Array(3000) });
  const gso = superPacket({ ...web, flags: "PA", payload: large }, PIECE_BYTES);
  const uso = superDatagram({ ...V4, destinationPort: 443, payload: new Uint8Array(1000) }, 300);
  return [
    scenario([wholeHello]),
    scenario([syn, synAck, tcpPacket({ ...web, options: OPTIONS, payload: hello })]),
    scenario([tcpPacket({ ...V6, destinationPort: 443, payload: hello })]),
    scenario([tcpPacket({ ...V4, destinationPort: 80, payload: request })]),
    scenario(parts),
    scenario([...parts, ...parts]),
    scenario(parts.toReversed()),
    scenario([wholeHello, wholeHello]),
    scenario(quic(1)),
    scenario(quic(2)),
    scenario([udpPacket({ ...V4, destinationPort: 53, payload: QUERY })]),
    scenario([icmpEcho({ ...V4, payload: QUERY }), icmpEcho({ ...V6, payload: QUERY })]),
    scenario(fragmentsOf(largeDatagram, [1200, 1200])),
    { options: Uint8Array.of(1), packets: [packetOf(gso.packet, gso.header), packetOf(uso.packet, uso.header)] },
    { options: Uint8Array.of(0x20, 1), packets: [...parts, wholeHello, syn].map((octets) => packetOf(octets)) },
  ];
}

function scenario(packets: readonly Uint8Array[]): Omit<FuzzInput, "table"> {
  return { options: new Uint8Array(), packets: packets.map((octets) => packetOf(octets)) };
}

/** A packet that comes at once. */
export function packetOf(octets: Uint8Array, header: Uint8Array = new Uint8Array(VNET_HEADER_BYTES)): FuzzPacket {
  return { gapMs: 0, header, octets };
}

function piecesOf(octets: Uint8Array): { readonly at: number; readonly octets: Uint8Array }[] {
  const count = Math.ceil(octets.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, i) => {
    return { at: i * PIECE_BYTES, octets: octets.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES) };
  });
}
