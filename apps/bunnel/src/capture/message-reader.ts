// Copies of packets put together again: each message with whose name it bears, and what left in its place.
import { decodePacket, formatEndpoint, readClientHello, readHttpRequest, readQuicServerName } from "@bunnel/wire";
import { readQueryName } from "./dns-name.ts";
import type { SeenPacket } from "./packet-event.ts";
import { explainSent, type SentStep } from "./sent-step.ts";

/** Flows whose messages are being put together; the oldest goes first. */
const PENDING_MAX = 256;
const PROTOCOLS: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6" };

/** One packet that came up, and all that left for it. */
export interface SeenExchange {
  readonly before: SeenPacket;
  /** Packets of the same message that were held before this one. */
  readonly held: readonly SeenPacket[];
  readonly after: readonly SeenPacket[];
  readonly protocol: string;
  /** "192.0.2.7:40000" */
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Whose name the message bears, where it can be read. */
  readonly host?: string;
  /** Where the name lies in the message, where it lies there as it is. */
  readonly hostAt?: { readonly from: number; readonly to: number };
  /** Octets of the message. */
  readonly bytes: number;
  /** What each packet that left is to the message; none where the packet passed as it was. */
  readonly steps: readonly SentStep[];
}

/** Takes packets in the order in which they are told; gives an exchange when its last packet is there. */
export class MessageReader {
  readonly #held = new Map<string, SeenPacket[]>();
  #open: { readonly before: SeenPacket; readonly after: SeenPacket[] } | undefined;

  take(packet: SeenPacket): SeenExchange | undefined {
    if (packet.side === "before") this.#open = { before: packet, after: [] };
    else if (packet.side === "after" && this.#open?.before.number === packet.number) this.#open.after.push(packet);
    else return undefined;
    const { before, after } = this.#open;
    if (after.length < before.count) return undefined;
    this.#open = undefined;
    return this.#exchange(before, after);
  }

  #exchange(before: SeenPacket, after: readonly SeenPacket[]): SeenExchange {
    const first = decodePacket(before.octets);
    const { sourcePort, destinationPort } = first;
    const protocol = PROTOCOLS[first.protocol] ?? String(first.protocol);
    const source = sourcePort === 0 ? first.source : formatEndpoint(first.source, sourcePort);
    const destination = destinationPort === 0 ? first.destination : formatEndpoint(first.destination, destinationPort);
    const held = this.#parts(`${protocol} ${source} ${destination}`, before);
    const parts = [...held, before];
    const payloads = parts.map(({ octets }) => decodePacket(octets).payload);
    const octets = protocol === "tcp" ? Buffer.concat(payloads) : (payloads.at(-1) ?? new Uint8Array());
    const host = hostOf(before.message, protocol === "tcp" ? [octets] : payloads);
    const hostFrom = host === undefined ? -1 : Buffer.from(octets).indexOf(host, 0, "latin1");
    const message = { packet: (protocol === "tcp" ? parts[0] : before)?.octets ?? before.octets, octets };
    const isSame = before.verdict === "Pass" || before.verdict === "Drop" || before.verdict === "Hold";
    return {
      before,
      held,
      after,
      protocol,
      source,
      destination,
      sourcePort,
      destinationPort,
      ...(host !== undefined && { host }),
      ...(hostFrom > 0 && { hostAt: { from: hostFrom, to: hostFrom + (host?.length ?? 0) } }),
      bytes: octets.length,
      steps: isSame ? [] : after.map((packet) => explainSent(message, packet.octets, packet.delayMs)),
    };
  }

  /** The packets before this one that wait for it. */
  #parts(flow: string, packet: SeenPacket): readonly SeenPacket[] {
    const parts = this.#held.get(flow) ?? [];
    this.#held.delete(flow);
    if (packet.verdict !== "Hold") return parts;
    this.#held.set(flow, [...parts, packet]);
    const [oldest] = this.#held.keys();
    if (this.#held.size > PENDING_MAX && oldest !== undefined) this.#held.delete(oldest);
    return parts;
  }
}

function hostOf(message: string | undefined, payloads: readonly Uint8Array[]): string | undefined {
  const [payload = new Uint8Array()] = payloads;
  if (message === "tls") return readClientHello(payload)?.serverName;
  if (message === "http") return readHttpRequest(payload)?.host;
  if (message === "quic") return readQuicServerName(payloads);
  return message === "dns" ? readQueryName(payloads.at(-1) ?? payload) : undefined;
}
