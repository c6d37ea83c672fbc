// What the codec speaks about. Plain data: no views, no laziness; slow and obvious on purpose.

/** An IP packet and what it carries, as far as it could be read. */
export interface DecodedPacket {
  /** 4, 6; 0: malformed, then every other field is zero or empty. */
  readonly family: 0 | 4 | 6;
  /** Number of the last header (6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6…). */
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  /** IPv4 identification; 0 for IPv6. */
  readonly id: number;
  /** Octets from the packet's start. */
  readonly l4Offset: number;
  readonly payloadOffset: number;
  readonly payloadBytes: number;
  /** As the IP header says. */
  readonly totalBytes: number;
  /** 0 where the protocol has no ports or the packet is a later fragment. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly fragmentOffset: number;
  readonly fragment: boolean;
  readonly moreFragments: boolean;
  readonly seq: number;
  readonly ack: number;
  readonly tcpFlags: number;
  /** A copy of the payload. */
  readonly payload: Uint8Array;
}
