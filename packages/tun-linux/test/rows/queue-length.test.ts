// needs root
// Packets that the system keeps for us. tun-rs: tx_queue_len, set_tx_queue_len.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { PacketList } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { NetworkNamespace, RouteNetlink } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { linkOf, quietDevice, sysFile } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("txQueueLength", () => {
  test("is what the system shows", () => {
    using device = quietDevice(namespace, { txQueueLength: 7 });
    expect(linkOf(namespace, device.name)).toMatchObject({ txqlen: 7 });
    expect(sysFile(namespace, device.name, "tx_queue_len")).toBe("7");
  });

  test("is how many packets wait until somebody reads: none of them is lost", () => {
    const packets = 3000;
    using device = quietDevice(namespace, { txQueueLength: packets });
    using socket = namespace.run(() => new PacketSocket(device.index));
    for (let i = 0; i < packets; i++) socket.send(conformancePacket(60, i));
    const list: PacketList = {
      at: Uint32Array.from({ length: 64 }, (_, i) => i * 128),
      lengths: new Uint16Array(64),
    };
    device.attach(new ArrayBuffer(64 * 128));
    let read = 0;
    for (let count = 1; count > 0; read += count) count = device.read(list, 0, 100);
    expect(read).toBe(packets);
  });

  test("can be changed while the device is open", () => {
    using device = quietDevice(namespace);
    using netlink = namespace.run(() => RouteNetlink.open());
    netlink.setLink(device.index, { txQueueLength: 123 });
    expect(sysFile(namespace, device.name, "tx_queue_len")).toBe("123");
    expect(netlink.link(device.index)?.txQueueLength).toBe(123);
  });
});
