// The packets of one cell as a capture: what left the client's machine, what the box made and what arrived, in order,
// so that Wireshark can show why a cell is as it is.
import { LINK_RAW, writePcapng } from "@bunnel/wire";
import type { PacketEvent } from "../link/trace.ts";

const NS_PER_MS = 1_000_000n;
/** Packets of one moment are this far apart. */
const NS_APART = 1_000n;
const SHOWN: ReadonlySet<PacketEvent["fate"]> = new Set(["sent", "injected", "arrived"]);

/**
 * A pcapng with two interfaces: 0 is the side of the client (what it sent and what arrived there), 1 that of the
 * server; packets of the box are on the side to which they went.
 */
export function flowCapture(events: readonly PacketEvent[]): Uint8Array {
  const packets = events
    .filter(({ fate }) => SHOWN.has(fate))
    .map(({ atMs, direction, fate, packet }, index) => ({
      octets: packet,
      interfaceId: sideOf(direction, fate),
      timestampNs: BigInt(atMs) * NS_PER_MS + BigInt(index) * NS_APART,
      comment: `${fate}, ${direction}`,
    }));
  return writePcapng(packets, [
    { linkType: LINK_RAW, name: "client" },
    { linkType: LINK_RAW, name: "server" },
  ]);
}

function sideOf(direction: PacketEvent["direction"], fate: PacketEvent["fate"]): 0 | 1 {
  const isAtServer = fate === "sent" ? direction === "inbound" : direction === "outbound";
  return isAtServer ? 1 : 0;
}
