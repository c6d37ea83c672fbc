// A TCP segment as the models of this package look at it.
import { decodePacket, PROTOCOL_TCP, tcpOptionsOf, TCP_FIN, TCP_SYN } from "@bunnel/wire";
import type { TcpOption } from "@bunnel/wire";

export interface TcpSegment {
  readonly family: 4 | 6;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly hopLimit: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  readonly options: readonly TcpOption[];
}

/** The segment of a whole packet. Undefined: malformed, a fragment, or not TCP. Never throws. */
export function readSegment(packet: Uint8Array): TcpSegment | undefined {
  const decoded = decodePacket(packet);
  if (decoded.family === 0 || decoded.fragment || decoded.protocol !== PROTOCOL_TCP) return undefined;
  const { source, destination, sourcePort, destinationPort, hopLimit, seq, ack, payload } = decoded;
  return {
    family: decoded.family,
    source,
    destination,
    sourcePort,
    destinationPort,
    hopLimit,
    seq,
    ack,
    flags: decoded.tcpFlags,
    payload,
    options: tcpOptionsOf(packet),
  };
}

/** Sequence numbers that the segment takes: its payload, and one each for SYN and FIN. */
export function sequenceBytes(segment: Pick<TcpSegment, "payload" | "flags">): number {
  return segment.payload.length + (has(segment, TCP_SYN) ? 1 : 0) + (has(segment, TCP_FIN) ? 1 : 0);
}

/** Whether all of the given flag bits are set. */
export function has(segment: Pick<TcpSegment, "flags">, flags: number): boolean {
  return (segment.flags & flags) === flags;
}

/** The TSval of the timestamps option (RFC 7323 section 3), where there is one. */
export function timestampOf(segment: Pick<TcpSegment, "options">): number | undefined {
  const option = segment.options.find(({ kind }) => kind === "timestamps");
  return option?.kind === "timestamps" ? option.value : undefined;
}
