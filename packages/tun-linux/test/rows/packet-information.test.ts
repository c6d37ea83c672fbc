// needs root
// The four octets before each packet. tun-rs: packet_information, ignore_packet_info.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PacketPort, Wake, type PacketList } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { NetworkNamespace } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { captured, quietDevice, sysFile, tunDataOf } from "./witness.ts";

const IFF_NO_PI = 0x1000;
/** struct tun_pi: flags 0, EtherType of IPv4 and IPv6. */
const IPV4 = [0, 0, 0x08, 0x00];
const IPV6 = [0, 0, 0x86, 0xdd];

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("packetInformation", () => {
  test("is off by default, and the system shows when it is on", () => {
    using without = quietDevice(namespace);
    using including = quietDevice(namespace, { packetInformation: true });
    expect(tunDataOf(namespace, without.name)).toMatchObject({ pi: false });
    expect(tunDataOf(namespace, including.name)).toMatchObject({ pi: true });
    expect(Number(sysFile(namespace, without.name, "tun_flags")) & IFF_NO_PI).toBe(IFF_NO_PI);
    expect(Number(sysFile(namespace, including.name, "tun_flags")) & IFF_NO_PI).toBe(0);
  });

  test("tells the family of what comes, before the packet", () => {
    using device = quietDevice(namespace, { packetInformation: true });
    using socket = namespace.run(() => new PacketSocket(device.index));
    const memory = new Uint8Array(8192);
    const list: PacketList = { at: Uint32Array.of(128, 4096), lengths: new Uint16Array(2) };
    const ipv6 = Uint8Array.of(0x60, 0, 0, 0, 0, 0, 59, 64, ...new Uint8Array(32));
    device.attach(memory.buffer);
    socket.send(conformancePacket(60, 1));
    socket.send(ipv6);
    expect(device.wait(1000)).toBe(Wake.Readable);
    expect(device.read(list, 0, 2048)).toBe(2);
    expect([...memory.subarray(124, 128)]).toEqual(IPV4);
    expect([...memory.subarray(4092, 4096)]).toEqual(IPV6);
    expect([...list.lengths]).toEqual([60, 40]);
  });

  test("with a virtio header stands before that", () => {
    using device = quietDevice(namespace, { packetInformation: true, offload: true });
    using socket = namespace.run(() => new PacketSocket(device.index));
    const memory = new Uint8Array(4096).fill(0xee);
    device.attach(memory.buffer);
    socket.send(conformancePacket(60, 1));
    expect(device.wait(1000)).toBe(Wake.Readable);
    expect(device.read({ at: Uint32Array.of(128), lengths: new Uint16Array(1) }, 0, 2048)).toBe(1);
    expect([...memory.subarray(113, 129)]).toEqual([0xee, ...IPV4, ...new Array<number>(10).fill(0), 0x45]);
  });

  test("decides as what a written packet arrives; packets one by one begin with it", async () => {
    using device = quietDevice(namespace, { packetInformation: true });
    const port = new PacketPort(device);
    const lines = await captured(namespace, device.name, 2, () => {
      expect(port.write(Uint8Array.of(...IPV4, ...conformancePacket(60, 1)))).toBe(true);
      expect(port.write(Uint8Array.of(...IPV6, 0x60, 0, 0, 0, 0, 0, 59, 64, ...new Uint8Array(32)))).toBe(true);
    });
    expect(lines[0]).toBe("IP 192.0.2.7.40000 > 203.0.113.9.9: UDP, length 32");
    expect(lines[1]).toStartWith("IP6 :: > ::");
    expect(() => port.write(new Uint8Array(3))).toThrow("expected 4 to 65539 octets, found 3");
  });
});
