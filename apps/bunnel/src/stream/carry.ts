// Datagrams and echo requests of `bunnel up`: carried on by sockets whose mark keeps them out of the device.
import type { DatagramCarrying } from "@bunnel/backend";
import { selectionOf, type Profile } from "@bunnel/profile";
import { DatagramCarrier, type CarryLimits } from "@bunnel/stream";

/**
 * @param mark of packets that are not taken into the device
 * @throws StreamError without the right to raw sockets
 */
export function openDatagrams(profile: Profile, mark: number): DatagramCarrying {
  const carrier = DatagramCarrier.open({ ...limitsOf(profile), mark });
  startIfWanted(carrier, profile);
  const close = (): void => carrier.close();
  return {
    carry: (packets) => carrier.carry(packets),
    get figures() {
      return { ...carrier.stats };
    },
    load: (next) => {
      carrier.limit(limitsOf(next));
      startIfWanted(carrier, next);
    },
    closed: carrier.closed,
    close,
    [Symbol.dispose]: close,
  };
}

/** What a profile says of datagrams. */
export function limitsOf({ stream }: Profile): CarryLimits {
  return { sessionsMax: stream.maxDatagramSessions, idleMs: stream.datagramTimeoutSeconds * 1000 };
}

/** Before privileges are given up the thread starts with none. */
function startIfWanted(carrier: DatagramCarrier, profile: Profile): void {
  const { udp, echo } = selectionOf(profile);
  if (udp !== undefined || echo === true) carrier.start();
}
