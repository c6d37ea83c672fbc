// needs root
// Devices around a real device: a tracer and a capture keep the contract, and an injector's faults are what the system
// sees. Beyond both anchors.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { FaultInjector, PacketPort, PcapTap, Tracer, type CaptureWriter } from "@bunnel/device";
import { conformance, conformancePacket } from "@bunnel/device/conformance";
import { NetworkNamespace } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { procCounters, quietDevice } from "./witness.ts";

const PACKETS = 400;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

for (const medium of ["ip", "ethernet"] as const) {
  conformance(`FaultInjector around PcapTap around Tracer around LinuxTun, ${medium}`, {
    open() {
      const inner = quietDevice(namespace, { medium });
      const tracer = new Tracer(inner, { print: () => {} });
      const device = new FaultInjector(new PcapTap(tracer, { write: () => {} }), { seed: 1 });
      const socket = namespace.run(() => new PacketSocket(inner.index));
      return {
        device,
        send: (packet) => socket.send(packet),
        receive: () => socket.receive(),
        close: () => {
          socket[Symbol.dispose]();
          device.close();
        },
      };
    },
    capabilities: { medium, vnetHeader: false },
    cannot: {
      fullQueue: "the kernel takes every packet that is written to a TUN interface",
      handOver: "what a wrapper does with packets is a function of its own thread",
    },
  });
}

describe("wrappers of a real device", () => {
  test("Tracer and PcapTap count what the system counts", () => {
    const captured: Parameters<CaptureWriter["write"]>[0][] = [];
    const lines: string[] = [];
    const inner = quietDevice(namespace, { name: "traced0" });
    const tracer = new Tracer(inner, { print: (line) => lines.push(line) });
    using device = new PcapTap(tracer, { write: (packet) => captured.push(packet) });
    using socket = namespace.run(() => new PacketSocket(device.index));
    const port = new PacketPort(device);
    socket.send(conformancePacket(60, 1));
    expect(port.tryRead()).toEqual(conformancePacket(60, 1));
    expect(port.write(conformancePacket(80, 2))).toBe(true);
    expect(socket.receive()).toEqual(captured[1]?.octets);
    expect(lines).toEqual([
      "traced0 read 60 octets: UDP 192.0.2.7 > 203.0.113.9",
      "traced0 write 80 octets: UDP 192.0.2.7 > 203.0.113.9",
    ]);
    const { readBytes, writtenBytes } = tracer.counts;
    expect(procCounters(namespace, "traced0")).toMatchObject({ sentBytes: readBytes, receivedBytes: writtenBytes });
  });

  test("what FaultInjector loses and doubles on the way out, the system does and does not get", () => {
    const inner = quietDevice(namespace);
    using device = new FaultInjector(inner, { seed: 9, write: { loss: 0.2, duplication: 0.1 } });
    const port = new PacketPort(device);
    for (let i = 0; i < PACKETS; i++) expect(port.write(conformancePacket(60, i))).toBe(true);
    const { lost, duplicated } = device.counts.write;
    expect(lost).toBeGreaterThan(0);
    expect(duplicated).toBeGreaterThan(0);
    const { receivedPackets } = procCounters(namespace, inner.name);
    expect(receivedPackets).toBe(PACKETS - lost + duplicated);
  });

  test("what FaultInjector loses on the way in, the system has sent", () => {
    const inner = quietDevice(namespace);
    using device = new FaultInjector(inner, { seed: 9, read: { loss: 0.2, reorder: 0.2 } });
    using socket = namespace.run(() => new PacketSocket(inner.index));
    const port = new PacketPort(device);
    let read = 0;
    for (let i = 0; i < PACKETS; i++) {
      socket.send(conformancePacket(60, i));
      if (port.tryRead()) read++;
    }
    while (port.readSync(0)) read++;
    expect(device.counts.read.lost).toBeGreaterThan(0);
    expect(read).toBe(PACKETS - device.counts.read.lost);
    expect(procCounters(namespace, inner.name)).toMatchObject({ sentPackets: PACKETS });
  });
});
