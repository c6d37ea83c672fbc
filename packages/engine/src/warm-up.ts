// The first thousands of packets would run in the slow tiers of the JavaScript engine; these are ours. Most are plain,
// some carry a ClientHello that is planned: nobody's first connection is to wait for a compiler.
import { RX_MAX } from "@bunnel/abi";
import type { Lane } from "./lane.ts";

const BURSTS = 64;
const SEGMENT_BYTES = 140;
const HELLO_BURSTS = 48;
const HELLOS = 16;
const HELLO_BYTES = 517;
const HEADERS_BYTES = 40;
const SOURCE_PORT_AT = 20;
const PORT = 1024;
const NAME = "video.example.org";

/** Runs a few thousand plain segments through the lane. Leaves flows and counters behind. */
export function warmUp(lane: Lane): void {
  run(lane, BURSTS, RX_MAX, segment(SEGMENT_BYTES));
}

/** Runs ClientHellos through the lane while a table is in force that plans them. */
export function warmUpPlans(lane: Lane): void {
  const hello = segment(HEADERS_BYTES + HELLO_BYTES);
  writeHello(hello.subarray(HEADERS_BYTES));
  run(lane, HELLO_BURSTS, HELLOS, hello);
}

/** Bursts of the segment, each time from another port, so that none is a retransmission. */
function run(lane: Lane, bursts: number, count: number, packet: Uint8Array): void {
  const view = new DataView(lane.memory);
  for (let i = 0; i < count; i++) lane.place(i, packet);
  for (let burst = 0; burst < bursts; burst++) {
    for (let i = 0; i < count; i++) view.setUint16((lane.rx.at[i] ?? 0) + SOURCE_PORT_AT, PORT + burst * count + i);
    for (let done = 0; done < count;) done = lane.poll(done, count, burst);
  }
}

/** An IPv4 TCP segment of so many octets; its checksums do not matter here. */
function segment(bytes: number): Uint8Array {
  const packet = new Uint8Array(bytes);
  packet.set([0x45, 0, bytes >> 8, bytes & 255, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 203, 0, 113, 1]);
  packet.set([0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff], 20);
  return packet;
}

/** As much of a ClientHello (RFC 8446 section 4.1.2) as the engine looks at. */
function writeHello(octets: Uint8Array): void {
  const word = (value: number): number[] => [value >> 8, value & 255];
  const record = octets.length - 5;
  octets.set([22, 3, 1, ...word(record), 1, 0, ...word(record - 4), 3, 3]);
  octets[43] = 32;
  octets.set([...word(2), 0x13, 0x01, 1, 0, ...word(octets.length - 84)], 76);
  const name = new TextEncoder().encode(NAME);
  octets.set([0, 0, ...word(name.length + 5), ...word(name.length + 3), 0, ...word(name.length), ...name], 84);
  // The rest is one extension of zeros: padding (RFC 7685).
  const at = 84 + 9 + name.length;
  octets.set([0, 21, ...word(octets.length - at - 4)], at);
}
