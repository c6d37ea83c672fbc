// needs root
// The size of the largest packet. tun-rs: mtu, set_mtu. tappers: mtu, set_mtu.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Wake, type DeviceOptions, type PacketList } from "@bunnel/device";
import { packetOf } from "@bunnel/device/conformance";
import { NetworkNamespace } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { runInside } from "../witness.ts";
import { linkOf, quietDevice, sysFile } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("mtuBytes", () => {
  test.each<[DeviceOptions]>([
    [{}],
    [{ mtuBytes: 68 }],
    [{ mtuBytes: 9000 }],
    [{ mtuBytes: 65535 }],
    [{ medium: "ethernet", mtuBytes: 65521 }],
  ])("is what the system shows: %j", (options) => {
    using device = quietDevice(namespace, options);
    expect(linkOf(namespace, device.name)).toMatchObject({ mtu: options.mtuBytes ?? 1500 });
    expect(sysFile(namespace, device.name, "mtu")).toBe(String(options.mtuBytes ?? 1500));
  });

  test.each<[DeviceOptions, string]>([
    [{ mtuBytes: 67 }, "expected 68 to 65535, found 67"],
    [{ mtuBytes: 65536 }, "expected 68 to 65535, found 65536"],
    [{ medium: "ethernet", mtuBytes: 65522 }, "expected 68 to 65521, found 65522"],
  ])("refuses %j", (options, message) => {
    expect(() => quietDevice(namespace, options)).toThrow(message);
  });

  test.each(["ip", "ethernet"] as const)("may grow while the device is open: %s", (medium) => {
    using device = quietDevice(namespace, { medium });
    using socket = namespace.run(() => new PacketSocket(device.index));
    const memory = new Uint8Array(1 << 17);
    const list: PacketList = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
    device.attach(memory.buffer);
    expect(() => socket.send(packetOf(medium, 9000, 1))).toThrow("EMSGSIZE");
    runInside(namespace, "ip", "link", "set", device.name, "mtu", "9000");
    const packet = packetOf(medium, 9000, 2);
    socket.send(packet);
    expect(device.wait(1000)).toBe(Wake.Readable);
    expect(device.read(list, 0, 65535)).toBe(1);
    expect(memory.slice(128, 128 + (list.lengths[0] ?? 0))).toEqual(packet);
    expect(device.write(list, 0, 1)).toBe(1);
    expect(device.refused).toBe(0);
    expect(socket.receive()).toEqual(packet);
  });
});
