// Counters that only some systems have.
import type { LinkStatistics } from "@bunnel/tun-linux";

/** All zero: what a system does not count. */
export const NO_STATISTICS: LinkStatistics = {
  receivedPackets: 0,
  sentPackets: 0,
  receivedBytes: 0,
  sentBytes: 0,
  receiveErrors: 0,
  sendErrors: 0,
  receiveDropped: 0,
  sendDropped: 0,
  receivedMulticast: 0,
  collisions: 0,
  receiveLengthErrors: 0,
  receiveOverErrors: 0,
  receiveCrcErrors: 0,
  receiveFrameErrors: 0,
  receiveFifoErrors: 0,
  receiveMissedErrors: 0,
  sendAbortedErrors: 0,
  sendCarrierErrors: 0,
  sendFifoErrors: 0,
  sendHeartbeatErrors: 0,
  sendWindowErrors: 0,
  receivedCompressed: 0,
  sentCompressed: 0,
  receivedUnhandled: 0,
  receivedForOthers: 0,
};
