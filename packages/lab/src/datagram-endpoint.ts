// A server of datagrams: it answers DNS questions, and QUIC clients as soon as their Initials tell a whole host name.
// Initials of one connection id belong together (RFC 9000 section 5.2); what cannot be opened is ignored.
import { decodePacket, PROTOCOL_UDP, readQuicServerName, udpPacket, verifyChecksums } from "@bunnel/wire";
import { dnsAnswer, readDnsQuestion } from "./dns-message.ts";
import { ipChecksumHolds } from "./ip/checksum.ts";
import { Datagrams } from "./ip/datagrams.ts";
import type { Host } from "./link/host.ts";
import { concat } from "./octets.ts";

/** What a QUIC client gets: octets that stand for the server's Initial, which tells for whom it is. */
export function quicAnswer(connectionId: Uint8Array): Uint8Array {
  return concat(new TextEncoder().encode("the server's first flight to "), connectionId);
}
/** What a client that goes on sends: the short header of RFC 9000 section 17.3, protected octets behind it. */
export const QUIC_SECOND_FLIGHT: Uint8Array = new Uint8Array(64).fill(0x40);
export const QUIC_SECOND_ANSWER: Uint8Array = new TextEncoder().encode("the server's second flight");
/** The address that the honest name server tells. */
export const DNS_ADDRESS = "203.0.113.80";
/** Connections and datagrams of one that are remembered. */
const CONNECTIONS_MAX = 64;
const DATAGRAMS_MAX = 16;
/** RFC 9000 section 14.1: a server discards smaller datagrams with an Initial. */
const INITIAL_MIN_BYTES = 1200;
const CONNECTION_ID_AT = 6;
const QUIC_PORT = 443;

export class DatagramEndpoint implements Host {
  readonly dueMs = undefined;
  readonly #addresses: ReadonlySet<string>;
  readonly #ports: ReadonlySet<number>;
  readonly #datagrams = new Datagrams();
  readonly #connections = new Map<string, Uint8Array[]>();
  readonly #hosts: string[] = [];
  /** Those whose hello was read. */
  readonly #clients = new Set<string>();

  constructor(addresses: readonly string[], ports: readonly number[] = [53, 443]) {
    this.#addresses = new Set(addresses);
    this.#ports = new Set(ports);
  }

  /** The names that were asked for, in order. */
  get hosts(): readonly string[] {
    return this.#hosts;
  }

  tick(): Uint8Array[] {
    return [];
  }

  receive(packet: Uint8Array, nowMs: number): Uint8Array[] {
    const whole = this.#datagrams.take(packet, nowMs);
    if (whole === undefined || !ipChecksumHolds(packet)) return [];
    const { protocol, source, destination, sourcePort, destinationPort, payload, hopLimit } = decodePacket(whole);
    const isMine = protocol === PROTOCOL_UDP && hopLimit > 0 && this.#addresses.has(destination);
    if (!isMine || !this.#ports.has(destinationPort) || verifyChecksums(whole).transport === false) return [];
    const isQuic = destinationPort === QUIC_PORT;
    const answer = isQuic ? this.#quic(payload, `${source} ${sourcePort}`) : this.#dns(payload);
    if (answer === undefined) return [];
    const ends = { source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort };
    return [udpPacket({ ...ends, payload: answer })];
  }

  #dns(payload: Uint8Array): Uint8Array | undefined {
    const question = readDnsQuestion(payload);
    if (question === undefined) return undefined;
    this.#hosts.push(question.name);
    return dnsAnswer(question, DNS_ADDRESS);
  }

  #quic(payload: Uint8Array, client: string): Uint8Array | undefined {
    const isLater = ((payload[0] ?? 0) & 0xc0) === 0x40;
    if (isLater) return this.#clients.has(client) ? QUIC_SECOND_ANSWER : undefined;
    if (payload.length < INITIAL_MIN_BYTES) return undefined;
    const idBytes = payload[CONNECTION_ID_AT - 1] ?? 0;
    const connectionId = payload.subarray(CONNECTION_ID_AT, CONNECTION_ID_AT + idBytes);
    const key = `${client} ${connectionId.toHex()}`;
    const known = this.#connections.get(key) ?? [];
    if (known.length >= DATAGRAMS_MAX || this.#connections.size >= CONNECTIONS_MAX) return undefined;
    this.#connections.set(key, [...known, payload.slice()]);
    const name = readQuicServerName([...known, payload]);
    if (name === undefined) return undefined;
    this.#hosts.push(name);
    this.#clients.add(client);
    return quicAnswer(connectionId);
  }
}
