// A router in user space: two networks that have nothing in common but this program, which carries packets from one to
// the other, counts down their hop limit and says so when it is used up (RFC 1812 sections 4.2.2.9 and 4.3.2.1).
//
//   bun docs/examples/router.ts
import { createNamespace, openTun, routes, type Tun } from "../../packages/tun/src/index.ts"; // "@bunnel/tun"
import { internetChecksum, ipPacket, PROTOCOL_ICMP, updateChecksum } from "../../packages/wire/src/index.ts";

const HOP_LIMIT_AT = 8;
const CHECKSUM_AT = 10;
const ROUTER = "192.0.2.254";

// Two networks, each with a device and a default route into it.
using left = createNamespace();
using right = createNamespace();
await using here = left.run(() => openTun({ name: "left0", addresses: ["192.0.2.1/24"], ipv6LinkLocal: "none" }));
await using there = right.run(() => openTun({ name: "right0", addresses: ["203.0.113.1/24"], ipv6LinkLocal: "none" }));
for (const [namespace, tun] of [
  [left, here],
  [right, there],
] as const) {
  namespace.run(() => routes.add({ family: 4, index: tun.index }));
}

const forwarding = Promise.all([forward(here, there), forward(there, here)]);

// Somebody on the left talks to somebody on the right; then with a hop limit that is too small.
for (const options of [
  ["-c", "3"],
  ["-c", "1", "-t", "1"],
]) {
  const ping = left.run(() => Bun.spawn(["ping", "-n", "-i", "0.1", "-W", "5", ...options, "203.0.113.1"]));
  console.log(await new Response(ping.stdout).text());
}

here.close();
there.close();
console.log("carried", await forwarding, "packets");

/** Carries packets until the device is closed; gives how many. */
async function forward(from: Tun, to: Tun): Promise<number> {
  let carried = 0;
  for await (const packet of from) {
    if ((packet[0] ?? 0) >> 4 !== 4) continue;
    if ((packet[HOP_LIMIT_AT] ?? 0) <= 1) {
      from.write(timeExceeded(packet));
      continue;
    }
    countDown(packet);
    if (to.write(packet)) carried++;
  }
  return carried;
}

/** One hop less, and the header checksum that goes with it (RFC 1624). */
function countDown(packet: Uint8Array): void {
  const view = new DataView(packet.buffer, packet.byteOffset);
  const before = view.getUint16(HOP_LIMIT_AT);
  view.setUint8(HOP_LIMIT_AT, (before >> 8) - 1);
  view.setUint16(CHECKSUM_AT, updateChecksum(view.getUint16(CHECKSUM_AT), before, view.getUint16(HOP_LIMIT_AT)));
}

/** ICMP type 11, code 0: the header of the packet and eight octets more (RFC 792). */
function timeExceeded(packet: Uint8Array): Uint8Array {
  const payload = new Uint8Array(8 + 28);
  payload[0] = 11;
  payload.set(packet.subarray(0, 28), 8);
  new DataView(payload.buffer).setUint16(2, internetChecksum(payload));
  const destination = packet.subarray(12, 16).join(".");
  return ipPacket({ source: ROUTER, destination, protocol: PROTOCOL_ICMP, payload });
}
