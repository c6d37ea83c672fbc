// needs root
// One packet in several pieces. tun-rs: recv_vectored, send_vectored.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Wake } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { NetworkNamespace } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { captured, procCounters, quietDevice } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("readv() and writev()", () => {
  test("writev() of three pieces is one packet for the system", async () => {
    using device = quietDevice(namespace);
    const packet = conformancePacket(100, 1);
    const pieces = [packet.subarray(0, 20), packet.subarray(20, 28), packet.subarray(28)];
    const lines = await captured(namespace, device.name, 1, () => expect(device.writev(pieces)).toBe(true));
    expect(lines).toEqual(["IP 192.0.2.7.40000 > 203.0.113.9.9: UDP, length 72"]);
    expect(procCounters(namespace, device.name)).toMatchObject({ receivedPackets: 1, receivedBytes: 100 });
  });

  test("readv() puts header and payload where they belong, with a virtio header before them", () => {
    using device = quietDevice(namespace, { offload: true });
    using socket = namespace.run(() => new PacketSocket(device.index));
    const packet = conformancePacket(100, 1);
    const [vnet, header, payload] = [new Uint8Array(10).fill(9), new Uint8Array(28), new Uint8Array(1500)];
    socket.send(packet);
    expect(device.wait(1000)).toBe(Wake.Readable);
    expect(device.readv([vnet, header, payload])).toBe(110);
    expect([...vnet]).toEqual(new Array<number>(10).fill(0));
    expect(Uint8Array.of(...header, ...payload.subarray(0, 72))).toEqual(packet);
    expect(procCounters(namespace, device.name)).toMatchObject({ sentPackets: 1, sentBytes: 100 });
  });

  test("a view into a larger buffer is a piece like any other; more than 64 are refused", () => {
    using device = quietDevice(namespace);
    using socket = namespace.run(() => new PacketSocket(device.index));
    const packet = conformancePacket(60, 1);
    const shared = new Uint8Array(new SharedArrayBuffer(256));
    shared.set(packet, 100);
    expect(device.writev([shared.subarray(100, 130), shared.subarray(130, 160)])).toBe(true);
    expect(socket.receive()).toEqual(packet);
    const pieces = Array.from({ length: 60 }, (_, i) => packet.subarray(i, i + 1));
    expect(device.writev([...pieces, ...Array.from({ length: 4 }, () => new Uint8Array(0))])).toBe(true);
    expect(socket.receive()).toEqual(packet);
    expect(() => device.writev(new Array<Uint8Array>(65).fill(packet))).toThrow("expected at most 64, found 65");
  });

  test("a device that was deleted says so", () => {
    using device = quietDevice(namespace);
    namespace.run(() => Bun.spawnSync(["ip", "link", "del", device.name]));
    expect(() => device.readv([new Uint8Array(100)])).toThrow("expected an interface, found it deleted");
    expect(() => device.writev([conformancePacket(60, 1)])).toThrow("expected an interface, found it deleted");
  });
});
