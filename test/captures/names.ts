// Which host names are in a capture, packet by packet, by four readers that know nothing of each other.
import { L7, PACKET_MAX_BYTES } from "@bunnel/abi";
import { Engine, HostNames, QuicNames } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import {
  decodePacket,
  ipOctets,
  readCapture,
  readClientHello,
  readHttpRequest,
  readQuicServerName,
  type DecodedPacket,
} from "@bunnel/wire";
import { bunnel, run } from "../cli/run.ts";

/** A message: the number of the packet that completes it, from 1, its kind and its host's name, "" for none. */
export interface Found {
  readonly packet: number;
  readonly kind: string;
  readonly host: string;
}

const ANY = '[[rule]]\nname = "look"\nstrategy = "pass"\n';
const DNS_PORT = 53;

/** The engine itself, through its host. */
export async function namesByEngine(file: Uint8Array): Promise<readonly Found[]> {
  const engine = await Engine.create({ seed: 7n, warm: false });
  engine.loadRules(encodeRules(parseProfile(ANY)));
  const lane = engine.lane(0, { mtuBytes: PACKET_MAX_BYTES });
  const names = new HostNames(lane);
  const quic = new QuicNames();
  const found: Found[] = [];
  for (const { octets, nowMs, packet } of packetsOf(file)) {
    lane.place(0, octets);
    lane.work(1, nowMs, () => undefined, quic);
    const message = names.take();
    if (message) found.push({ packet, kind: L7[message.l7].toLowerCase(), host: message.host ?? "" });
  }
  return asPeopleSay(found);
}

/** The program, by its own listing. */
export async function namesByReplay(path: string): Promise<readonly Found[]> {
  const { status, out, err } = await bunnel(["replay", path, "--strategy", "pass", "--list", "--json"]);
  if (status !== 0) throw new Error(err);
  const { messages } = JSON.parse(out) as { messages: { packet: number; kind: string; host?: string }[] };
  return asPeopleSay(messages.map(({ packet, kind, host = "" }) => ({ packet, kind, host })));
}

/** The codec, over payloads that are put together as plainly as can be. */
export function namesByWire(file: Uint8Array): readonly Found[] {
  const found: Found[] = [];
  const streams = new Map<string, Uint8Array>();
  const datagrams = new Map<string, Uint8Array[]>();
  for (const { octets, packet } of packetsOf(file)) {
    const { payload, ...ends } = decodePacket(octets);
    if (payload.length === 0) continue;
    const flow = `${ends.source} ${ends.sourcePort} ${ends.destination} ${ends.destinationPort}`;
    if (ends.protocol === 6) {
      const stream = new Uint8Array(Buffer.concat([streams.get(flow) ?? new Uint8Array(0), payload]));
      streams.set(flow, stream);
      const message = inStream(stream, payload);
      if (message) found.push({ packet, ...message });
      if (message || stream[0] !== 22) streams.delete(flow);
    } else if (ends.destinationPort === DNS_PORT) {
      found.push({ packet, kind: "dns", host: questionOf(payload) });
    } else if (isClientQuic(ends)) {
      const all = [...(datagrams.get(flow) ?? []), payload];
      datagrams.set(flow, all);
      const host = readQuicServerName(all);
      if (host !== undefined) found.push({ packet, kind: "quic", host });
    }
  }
  return asPeopleSay(found);
}

/** Wireshark. Requests are looked for, not answers. */
export async function namesByTshark(path: string): Promise<readonly Found[]> {
  const fields = ["frame.number", "tls.handshake.extensions_server_name", "http.host", "dns.qry.name", "udp.length"];
  const filter = "(tls.handshake.type == 1) || http.request || (dns.flags.response == 0 && udp.port == 53)";
  const words = ["-T", "fields", "-E", "occurrence=f", "-E", "separator=|", ...fields.flatMap((name) => ["-e", name])];
  const { status, out, err } = await run(["tshark", "-n", "-r", path, "-Y", filter, ...words]);
  if (status !== 0) throw new Error(err);
  const rows = out.split("\n").filter((row) => row !== "");
  const found = rows.map((row) => {
    const [packet = "", sni = "", host = "", query = "", udp = ""] = row.split("|");
    if (host !== "") return { packet: Number(packet), kind: "http", host: host.replace(/:\d+$/u, "") };
    if (query !== "") return { packet: Number(packet), kind: "dns", host: query };
    return { packet: Number(packet), kind: udp === "" ? "tls" : "quic", host: sni };
  });
  return asPeopleSay(found);
}

/**
 * Of a QUIC connection one entry: ours may know the name before all of the hello is there, and say it again for each
 * datagram of it.
 */
function asPeopleSay(found: readonly Found[]): readonly Found[] {
  const seen = new Set<string>();
  return found.filter(({ kind, host }) => {
    if (kind !== "quic") return kind !== "syn";
    if (host === "" || seen.has(host)) return false;
    seen.add(host);
    return true;
  });
}

function* packetsOf(file: Uint8Array): Generator<{ octets: Uint8Array; nowMs: number; packet: number }> {
  const capture = readCapture(file);
  for (const [index, { octets, timestampNs }] of capture.packets.entries()) {
    const ip = ipOctets(capture.linkType, octets);
    if (ip) yield { octets: ip, nowMs: Number((timestampNs / 1_000_000n) & 0xffffffffn), packet: index + 1 };
  }
}

function inStream(stream: Uint8Array, payload: Uint8Array): Omit<Found, "packet"> | undefined {
  const hello = readClientHello(stream);
  if (hello) return hello.complete ? { kind: "tls", host: hello.serverName ?? "" } : undefined;
  const request = readHttpRequest(payload);
  return request && { kind: "http", host: request.host ?? "" };
}

function questionOf(payload: Uint8Array): string {
  const labels: string[] = [];
  for (let at = 12; (payload[at] ?? 0) > 0; at += 1 + (payload[at] ?? 0)) {
    labels.push(String.fromCharCode(...payload.subarray(at + 1, at + 1 + (payload[at] ?? 0))));
  }
  return labels.join(".");
}

function isClientQuic({ protocol, destinationPort }: Pick<DecodedPacket, "protocol" | "destinationPort">): boolean {
  return protocol === 17 && destinationPort === 443;
}
