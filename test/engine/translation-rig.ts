// A translating lane with one stream rule, and the packets of a client, its server, and the listener.
import { expect } from "bun:test";
import { Translations, type Engine, type Lane, type LaneOptions, type TranslationsOptions } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { decodePacket, tcpPacket, verifyChecksums, type DecodedPacket, type TcpFields } from "@bunnel/wire";
import fc from "fast-check";

export const LISTENER_PORT = 4040;
export const LOCAL = { 4: "10.0.85.1", 6: "fd62:756e:6e65:6c::1" } as const;

export const SETUP: TranslationsOptions = {
  ipv4: { address: LOCAL[4], prefixLength: 24, tcpPort: LISTENER_PORT },
  ipv6: { address: LOCAL[6], prefixLength: 64, tcpPort: LISTENER_PORT },
};

/** Flows to port 443 leave as a stream, but those to 203.0.113.128/25. */
export const PROFILE = `
[[rule]]
name = "apart"
addresses = ["203.0.113.128/25", "2001:db8:ffff::/48"]
strategy = "tls: pass"
[[rule]]
name = "stream"
ports = ["443"]
egress = "stream"
strategy = "tls: split(1)"
`;

/** Puts the profile and the translations in force; the lane is the first. */
export function translating(engine: Engine, setup: TranslationsOptions = SETUP, options: LaneOptions = {}) {
  engine.reset();
  engine.loadRules(encodeRules(parseProfile(PROFILE), { streamRules: "leave" }));
  const translations = Translations.open(engine.memory, setup);
  const lane = engine.lane(0, { translate: true, ...options });
  return { translations, lane };
}

/** One packet through the lane; what leaves, and the reason. */
export function through(
  lane: Lane,
  packet: Uint8Array,
  nowMs = 0,
  header?: Uint8Array,
): { readonly sent: Uint8Array[]; readonly reason: number; readonly wanted: readonly number[] } {
  lane.place(0, packet, header);
  const done = lane.poll(0, 1, nowMs);
  if (done !== 1) throw new Error(`poll: expected 1 packet done, found ${done}`);
  return { sent: lane.sent(), reason: lane.meta(0).reason, wanted: lane.wanted() };
}

/** The only packet that left. */
export function only(sent: readonly Uint8Array[]): Uint8Array {
  const [packet] = sent;
  if (packet === undefined || sent.length !== 1) throw new Error(`expected one packet, found ${sent.length}`);
  return packet;
}

/** Both ends of a packet, as text. */
export function ends(packet: Uint8Array): string {
  const { source, sourcePort, destination, destinationPort }: DecodedPacket = decodePacket(packet);
  return `${source} ${sourcePort} > ${destination} ${destinationPort}`;
}

/** A client and its server. */
export interface Pair {
  readonly v6: boolean;
  readonly client: number;
  readonly server: number;
  readonly port: number;
}

/** Any of them, to servers that the profile carries as a stream. */
export const anyPair: fc.Arbitrary<Pair> = fc.record({
  v6: fc.boolean(),
  client: fc.integer({ min: 1, max: 250 }),
  server: fc.integer({ min: 1, max: 126 }),
  port: fc.integer({ min: 1, max: 65535 }),
});

/** The ends of a packet of the client. */
export function outwards({ v6, client, server, port }: Pair) {
  return v6
    ? {
        source: `2001:db8::${client.toString(16)}`,
        destination: `2001:db8:1::${server.toString(16)}`,
        sourcePort: port,
        destinationPort: 443,
      }
    : { source: `192.0.2.${client}`, destination: `203.0.113.${server}`, sourcePort: port, destinationPort: 443 };
}

/** What the listener answers to a packet that came to it. */
export function answerTo(packet: Uint8Array, fields: Partial<TcpFields> = {}): TcpFields {
  const { source, destination, sourcePort, destinationPort } = decodePacket(packet);
  return {
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    ...fields,
  };
}

/** Expects right checksums. */
export function right(packet: Uint8Array): void {
  const { ip, transport } = verifyChecksums(packet);
  expect([ip !== false, transport]).toEqual([true, true]);
}

/** Opens a connection; gives the SYN as the listener got it. */
export function connect(lane: Lane, pair: Pair, seq = 1000): Uint8Array {
  return only(through(lane, tcpPacket({ ...outwards(pair), flags: "S", seq })).sent);
}

/** In = passed + replaced + held + dropped, and nothing is less than nothing. */
export function conserved(engine: Engine): void {
  const { packetsIn, passed, replaced, held, dropped, reasons } = engine.counters();
  expect(passed + replaced + held + dropped).toBe(packetsIn);
  for (const count of Object.values(reasons)) expect(count).toBeLessThan(1e9);
}
