// The five-tuple of a packet, for people and maps; the engine has its own in its table.
import { decodePacket } from "@bunnel/wire";

const PROTOCOLS: Readonly<Record<number, FlowProtocol>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmp" };

/** The protocols that have flows; ICMP is that of either family. */
export type FlowProtocol = "tcp" | "udp" | "icmp";

/** Ports are 0 for ICMP. */
export class FlowKey {
  constructor(
    readonly source: string,
    readonly destination: string,
    readonly sourcePort: number,
    readonly destinationPort: number,
    readonly protocol: FlowProtocol,
  ) {}

  /** The key of the answers. */
  reversed(): FlowKey {
    return new FlowKey(this.destination, this.source, this.destinationPort, this.sourcePort, this.protocol);
  }

  /** The same text for both directions. */
  get canonical(): string {
    const a = `${this.source}|${this.sourcePort}`;
    const b = `${this.destination}|${this.destinationPort}`;
    return a < b ? `${this.protocol} ${a} ${b}` : `${this.protocol} ${b} ${a}`;
  }
}

/**
 * The key of an IPv4 or IPv6 packet of TCP, UDP or ICMP; undefined for others, for malformed packets and for fragments.
 */
export function parseFlowKey(packet: Uint8Array): FlowKey | undefined {
  const decoded = decodePacket(packet);
  const protocol = PROTOCOLS[decoded.protocol];
  if (decoded.family === 0 || decoded.fragment || protocol === undefined) return undefined;
  const isOther = decoded.protocol === (decoded.family === 4 ? 58 : 1);
  if (isOther) return undefined;
  return new FlowKey(decoded.source, decoded.destination, decoded.sourcePort, decoded.destinationPort, protocol);
}
