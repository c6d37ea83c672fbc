import { describe, expect, test } from "bun:test";
import { conformanceFrame, conformancePacket } from "../conformance.ts";
import { MemoryDevice } from "../memory-device.ts";
import { PacketPort } from "../packets.ts";
import { describePacket } from "./describe-packet.ts";
import { Tracer } from "./tracer.ts";

describe("Tracer", () => {
  test("prints one line per packet, both ways, and counts packets and octets", () => {
    const lines: string[] = [];
    const inner = MemoryDevice.open({ name: "tun0" });
    using tracer = new Tracer(inner, { print: (line) => lines.push(line) });
    const port = new PacketPort(tracer);
    inner.inject(conformancePacket(60, 1));
    inner.inject(conformancePacket(70, 2));
    expect(port.tryRead()).toEqual(conformancePacket(60, 1));
    port.write(conformancePacket(80, 3));
    expect(lines).toEqual([
      "tun0 read 60 octets: UDP 192.0.2.7 > 203.0.113.9",
      "tun0 read 70 octets: UDP 192.0.2.7 > 203.0.113.9",
      "tun0 write 80 octets: UDP 192.0.2.7 > 203.0.113.9",
    ]);
    expect(tracer.counts).toEqual({ readPackets: 2, readBytes: 130, writtenPackets: 1, writtenBytes: 80 });
  });

  test("does not print what found no room", () => {
    const lines: string[] = [];
    using tracer = new Tracer(MemoryDevice.open({ queueBytes: 128 }), { print: (line) => lines.push(line) });
    const port = new PacketPort(tracer);
    expect([port.write(conformancePacket(100, 1)), port.write(conformancePacket(100, 2))]).toEqual([true, false]);
    expect(lines).toHaveLength(1);
    expect(tracer.counts.writtenPackets).toBe(1);
  });

  test("describe replaces what a line says about a packet", () => {
    const lines: string[] = [];
    const inner = MemoryDevice.open();
    using tracer = new Tracer(inner, { print: (line) => lines.push(line), describe: ([first]) => `first ${first}` });
    inner.inject(conformancePacket(60, 1));
    new PacketPort(tracer).tryRead();
    expect(lines).toEqual(["memory0 read 60 octets: first 69"]);
  });
});

describe("describePacket()", () => {
  const ipv6 = (source: string, protocol: number) => {
    const octets = [0x60, 0, 0, 0, 0, 0, protocol, 64, ...Buffer.from(source, "hex"), ...Buffer.alloc(15), 1];
    return Uint8Array.from(octets);
  };
  test.each([
    ["UDP 192.0.2.7 > 203.0.113.9", conformancePacket(60, 1), "ip"],
    ["TCP 2001:db8::7 > ::1", ipv6("20010db8000000000000000000000007", 6), "ip"],
    ["ICMPv6 2001:db8:0:1:1:1:1:1 > ::1", ipv6("20010db8000000010001000100010001", 58), "ip"],
    ["protocol 99 2001:0:0:1::7 > ::1", ipv6("20010000000000010000000000000007", 99), "ip"],
    ["UDP 192.0.2.7 > 203.0.113.9", conformanceFrame(60, 1), "ethernet"],
    [
      "ARP 02:00:00:00:00:07 > ff:ff:ff:ff:ff:ff",
      Uint8Array.of(255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 7, 8, 6, 0, 0),
      "ethernet",
    ],
    [
      "type 0x88cc 02:00:00:00:00:07 > 01:80:c2:00:00:0e",
      Uint8Array.of(1, 0x80, 0xc2, 0, 0, 14, 2, 0, 0, 0, 0, 7, 0x88, 0xcc),
      "ethernet",
    ],
    ["malformed", new Uint8Array(0), "ip"],
    ["malformed", conformancePacket(60, 1).slice(0, 19), "ip"],
    ["malformed", new Uint8Array(13), "ethernet"],
  ] as const)("%s", (line, packet, medium) => {
    expect(describePacket(packet, medium)).toBe(line);
  });
});
