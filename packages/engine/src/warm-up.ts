// The first thousands of packets would run in the slow tiers of the JavaScript engine; these are ours.
import { RX_MAX } from "@bunnel/abi";
import type { Lane } from "./lane.ts";

const BURSTS = 64;

/** Runs a few thousand synthetic packets through the lane. Leaves flows and counters behind: reset afterwards. */
export function warmUp(lane: Lane): void {
  const packet = tcpSegment();
  for (let i = 0; i < RX_MAX; i++) {
    packet[15] = i;
    lane.place(i, packet);
  }
  for (let burst = 0; burst < BURSTS; burst++) {
    for (let done = 0; done < RX_MAX;) done = lane.poll(done, RX_MAX, burst);
  }
}

/** An IPv4 TCP segment with the start of a TLS record in it; its checksums do not matter here. */
function tcpSegment(): Uint8Array {
  const packet = new Uint8Array(140);
  packet.set([0x45, 0, 0, 140, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 203, 0, 113, 1]);
  packet.set([0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18], 20);
  packet.set([22, 3, 1, 0, 95, 1, 0, 0, 91, 3, 3], 40);
  return packet;
}
