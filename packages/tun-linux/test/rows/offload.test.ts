// needs root
// Segmentation offload. tun-rs: offload, tcp_gso, udp_gso. Splitting and merging is another layer's work.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Wake, type PacketList } from "@bunnel/device";
import { NetworkNamespace } from "../../src/index.ts";
import { sendSegmented } from "../sys.ts";
import { captured, quietDevice, runProgram, sysFile, tunDataOf } from "./witness.ts";

const IFF_VNET_HDR = 0x4000;
const SEGMENT_BYTES = 1000;
const SEGMENTS = 20;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("offload", () => {
  test("is what the system shows, and off by default", () => {
    using plain = quietDevice(namespace);
    using device = quietDevice(namespace, { offload: true });
    expect(tunDataOf(namespace, plain.name)).toMatchObject({ vnet_hdr: false });
    expect(tunDataOf(namespace, device.name)).toMatchObject({ vnet_hdr: true });
    expect(Number(sysFile(namespace, device.name, "tun_flags")) & IFF_VNET_HDR).toBe(IFF_VNET_HDR);
    expect(plain.offloads).toEqual([]);
    expect(device.offloads).toEqual(["checksum", "tcp4", "tcp6", "udp"]);
  });

  test.each([
    ["cutting UDP (before Linux 6.2)", 0x60, ["checksum", "tcp4", "tcp6"]],
    ["cutting TCP over IPv6", 0x04, ["checksum", "tcp4"]],
    ["checksums", 0x01, []],
  ])("takes what there is on a kernel that leaves no %s to the device", (_, refused, expected) => {
    const sys = new URL("./sys.ts", import.meta.url).pathname;
    const body = `import { refuseOffloads } from "${sys}";
      refuseOffloads(${refused});
      const device = driver.openLinuxTun({ offload: true, ipv6LinkLocal: "none", addresses: ["192.0.2.1/24"] });
      const socket = await Bun.udpSocket({});
      socket.send("x".repeat(100), 9, "192.0.2.9");
      const [header, packet] = [new Uint8Array(10), new Uint8Array(1500)];
      device.wait(5000);
      console.log(JSON.stringify([device.offloads, device.readv([header, packet]), header[0]]));
      process.exit();`;
    const { output, errors } = runProgram(namespace, body);
    expect(errors).toBe("");
    // A checksum is left to us only where we said that we can: VIRTIO_NET_HDR_F_NEEDS_CSUM.
    expect(JSON.parse(output)).toEqual([expected, 138, expected.length > 0 ? 1 : 0]);
  });

  test("belongs to the interface, so a process without it switches it off again", () => {
    quietDevice(namespace, { name: "kept0", persistent: true, offload: true }).close();
    using device = quietDevice(namespace, { name: "kept0", deleteOnClose: true, addresses: ["192.0.2.1/24"] });
    const { lengths, count } = receiveSegments(device, 10);
    expect(count).toBe(SEGMENTS);
    expect(new Set(lengths)).toEqual(new Set([28 + SEGMENT_BYTES]));
  });

  test.each([10, 12, 124])(
    "a super-packet goes up and down in one piece, behind a header of %d octets",
    async (bytes) => {
      using device = quietDevice(namespace, { offload: true, vnetHeaderBytes: bytes, addresses: ["192.0.2.1/24"] });
      expect(device.capabilities.vnetHeaderBytes).toBe(bytes);
      const { memory, list, count, lengths } = receiveSegments(device, bytes);
      expect([count, ...lengths]).toEqual([1, 28 + SEGMENTS * SEGMENT_BYTES]);
      const header = new DataView(memory.buffer, 128 - bytes, 10);
      // virtio_net_hdr: NEEDS_CSUM, GSO_UDP_L4, gso_size, csum_start, csum_offset.
      expect([header.getUint8(0), header.getUint8(1)]).toEqual([1, 5]);
      expect([4, 6, 8].map((at) => header.getUint16(at, true))).toEqual([SEGMENT_BYTES, 20, 6]);
      const lines = await captured(namespace, device.name, 1, () => expect(device.write(list, 0, 1)).toBe(1));
      expect(lines[0]).toEndWith(`UDP, length ${SEGMENTS * SEGMENT_BYTES}`);
      expect(device.refused).toBe(0);
    },
  );

  test("the header's size is checked", () => {
    expect(() => quietDevice(namespace, { offload: true, vnetHeaderBytes: 9 })).toThrow("expected 10 to 124, found 9");
    expect(() => quietDevice(namespace, { vnetHeaderBytes: 12 })).toThrow("expected offload with it, found none");
  });

  /** The system sends datagrams that it cuts as late as it may; what came up. */
  function receiveSegments(device: ReturnType<typeof quietDevice>, headerBytes: number) {
    const memory = new Uint8Array(SEGMENTS * 32_768);
    const list: PacketList = {
      at: Uint32Array.from({ length: SEGMENTS }, (_, i) => i * 32_768 + 128),
      lengths: new Uint16Array(SEGMENTS),
    };
    expect(headerBytes).toBeLessThanOrEqual(124);
    device.attach(memory.buffer);
    const payload = Uint8Array.from({ length: SEGMENTS * SEGMENT_BYTES }, (_, i) => i % 251);
    namespace.run(() => sendSegmented(payload, SEGMENT_BYTES, [192, 0, 2, 9], 9));
    expect(device.wait(1000)).toBe(Wake.Readable);
    const count = device.read(list, 0, 32_000);
    return { memory, list, count, lengths: [...list.lengths.subarray(0, count)] };
  }
});
