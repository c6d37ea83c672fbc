// needs root
// What was read and written, as the system counts it. Beyond both anchors.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { PacketList } from "@bunnel/device";
import { packetOf } from "@bunnel/device/conformance";
import { NetworkNamespace, RouteNetlink } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { procCounters, quietDevice } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

test.each(["ip", "ethernet"] as const)(
  "reads and writes are the interface's sent and received packets: %s",
  (medium) => {
    using device = quietDevice(namespace, { medium });
    using socket = namespace.run(() => new PacketSocket(device.index));
    using netlink = namespace.run(() => RouteNetlink.open());
    const memory = new Uint8Array(64 * 2048);
    const list: PacketList = {
      at: Uint32Array.from({ length: 64 }, (_, i) => i * 2048 + 128),
      lengths: new Uint16Array(64),
    };
    device.attach(memory.buffer);
    for (let i = 0; i < 30; i++) socket.send(packetOf(medium, 100, i));
    const octets = 30 * packetOf(medium, 100, 0).length;
    expect(device.read(list, 0, 1500)).toBe(30);
    expect(device.write(list, 0, 20)).toBe(20);
    const expected = {
      sentPackets: 30,
      sentBytes: octets,
      receivedPackets: 20,
      receivedBytes: (octets * 20) / 30,
    };
    // The system does not count the Ethernet header of what it received from a TAP device.
    const counters = procCounters(namespace, device.name);
    expect(counters).toMatchObject({ sentPackets: 30, sentBytes: expected.sentBytes, receivedPackets: 20 });
    expect(netlink.link(device.index)?.statistics).toMatchObject(counters);
  },
);
