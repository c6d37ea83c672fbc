// needs root
// TUN and TAP. tun-rs: layer. tappers: Tun, Tap.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { PacketList } from "@bunnel/device";
import { conformanceFrame, conformancePacket } from "@bunnel/device/conformance";
import { NetworkNamespace, openLinuxTap } from "../../src/index.ts";
import { captured, linkOf, quietDevice, tunDataOf, tuntapOf } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("medium", () => {
  test('"ip" makes a TUN device: what is written is an IP packet without a link header', async () => {
    using device = quietDevice(namespace, { medium: "ip" });
    expect(tunDataOf(namespace, device.name)).toMatchObject({ type: "tun" });
    expect(tuntapOf(namespace, device.name)).toMatchObject({ flags: expect.arrayContaining(["tun"]) as unknown });
    expect(linkOf(namespace, device.name)).toMatchObject({ link_type: "none" });
    expect(await written(device, conformancePacket(60, 1))).toEqual([
      "IP 192.0.2.7.40000 > 203.0.113.9.9: UDP, length 32",
    ]);
  });

  test('"ethernet" makes a TAP device: what is written is a frame', async () => {
    using device = namespace.run(() => openLinuxTap({ ipv6LinkLocal: "none" }));
    expect(device.capabilities.medium).toBe("ethernet");
    expect(tunDataOf(namespace, device.name)).toMatchObject({ type: "tap" });
    expect(tuntapOf(namespace, device.name)).toMatchObject({ flags: expect.arrayContaining(["tap"]) as unknown });
    expect(linkOf(namespace, device.name)).toMatchObject({ link_type: "ether" });
    expect(await written(device, conformanceFrame(60, 1))).toEqual([
      "02:00:00:00:00:07 > 02:00:00:00:00:09, ethertype IPv4 (0x0800), length 74: " +
        "192.0.2.7.40000 > 203.0.113.9.9: UDP, length 32",
    ]);
  });

  function written(device: ReturnType<typeof quietDevice>, packet: Uint8Array): Promise<string[]> {
    const memory = new Uint8Array(4096);
    const list: PacketList = { at: Uint32Array.of(128), lengths: Uint16Array.of(packet.length) };
    memory.set(packet, 128);
    device.attach(memory.buffer);
    const flags = device.capabilities.medium === "ethernet" ? ["-e"] : [];
    return captured(namespace, device.name, 1, () => device.write(list, 0, 1), flags);
  }
});
