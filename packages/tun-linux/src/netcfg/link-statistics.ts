// Counters of a link. Source: linux/if_link.h struct rtnl_link_stats64: u64 each, in this order.
import { u64At } from "./octets.ts";

/** Since the interface came to be; "received" is what the system got from it. Exact up to 2^53. */
export interface LinkStatistics {
  readonly receivedPackets: number;
  readonly sentPackets: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receiveErrors: number;
  readonly sendErrors: number;
  /** Packets that the system had no room for. */
  readonly receiveDropped: number;
  readonly sendDropped: number;
  readonly receivedMulticast: number;
  readonly collisions: number;
  readonly receiveLengthErrors: number;
  readonly receiveOverErrors: number;
  readonly receiveCrcErrors: number;
  readonly receiveFrameErrors: number;
  readonly receiveFifoErrors: number;
  readonly receiveMissedErrors: number;
  readonly sendAbortedErrors: number;
  readonly sendCarrierErrors: number;
  readonly sendFifoErrors: number;
  readonly sendHeartbeatErrors: number;
  readonly sendWindowErrors: number;
  readonly receivedCompressed: number;
  readonly sentCompressed: number;
  /** Packets that no protocol wanted. */
  readonly receivedUnhandled: number;
  /** Packets for another hardware address; 0 before Linux 5.19. */
  readonly receivedForOthers: number;
}

const FIELDS: readonly (keyof LinkStatistics)[] = [
  "receivedPackets",
  "sentPackets",
  "receivedBytes",
  "sentBytes",
  "receiveErrors",
  "sendErrors",
  "receiveDropped",
  "sendDropped",
  "receivedMulticast",
  "collisions",
  "receiveLengthErrors",
  "receiveOverErrors",
  "receiveCrcErrors",
  "receiveFrameErrors",
  "receiveFifoErrors",
  "receiveMissedErrors",
  "sendAbortedErrors",
  "sendCarrierErrors",
  "sendFifoErrors",
  "sendHeartbeatErrors",
  "sendWindowErrors",
  "receivedCompressed",
  "sentCompressed",
  "receivedUnhandled",
  "receivedForOthers",
];
const COUNTER_BYTES = 8;

/** Counters that an older kernel does not send are 0. */
export function parseStatistics(octets: Uint8Array): LinkStatistics {
  const counters = FIELDS.map((field, i) => {
    const at = i * COUNTER_BYTES;
    return [field, at + COUNTER_BYTES <= octets.length ? u64At(octets, at) : 0] as const;
  });
  return Object.fromEntries(counters) as unknown as LinkStatistics;
}
