// Every wrapper is a device like any other: it runs the suite around a device in memory.
import { describe, expect, test } from "bun:test";
import { conformance, packetOf } from "../conformance.ts";
import type { AsyncTunDevice } from "../device.ts";
import { MemoryDevice, type MemoryDeviceOptions } from "../memory-device.ts";
import { FaultInjector } from "./fault-injector.ts";
import { PcapTap } from "./pcap-tap.ts";
import { Tracer } from "./tracer.ts";

const WRAPPERS: readonly (readonly [string, (inner: AsyncTunDevice) => AsyncTunDevice])[] = [
  ["Tracer", (inner) => new Tracer(inner, { print: () => {} })],
  ["PcapTap", (inner) => new PcapTap(inner, { write: () => {} })],
  ["FaultInjector without faults", (inner) => new FaultInjector(inner, { seed: 1 })],
  ["FaultInjector around PcapTap around Tracer", (inner) => wrapped(inner)],
];

const KINDS: readonly (readonly [string, MemoryDeviceOptions])[] = [
  ["", {}],
  [" of Ethernet", { medium: "ethernet" }],
  [" with virtio headers", { vnetHeader: true }],
];

function wrapped(inner: AsyncTunDevice): AsyncTunDevice {
  return new FaultInjector(new PcapTap(new Tracer(inner, { print: () => {} }), { write: () => {} }), { seed: 7 });
}

for (const [name, wrap] of WRAPPERS) {
  for (const [kind, options] of KINDS) {
    const { medium = "ip", vnetHeader = false } = options;
    conformance(`${name}${kind}`, {
      open() {
        const inner = MemoryDevice.open({ ...options, queueBytes: 1 << 16 });
        const device = wrap(inner);
        return {
          device,
          send: (packet) => void inner.inject(packet),
          receive: () => inner.take(),
          close: () => device.close(),
        };
      },
      capabilities: { medium, vnetHeader },
      cannot: { handOver: "what a wrapper does with packets is a function of its own thread" },
    });
  }
}

describe("a wrapper", () => {
  test.each(WRAPPERS)("says E_UNSUPPORTED when it shall be handed over, and has no pieces: %s", (_, wrap) => {
    using device = wrap(MemoryDevice.open());
    expect(() => device.handOver()).toThrow("expected the device itself, found a");
    expect(device.capabilities).toMatchObject({ transferable: false, vectored: false, driver: "memory" });
  });

  test.each(WRAPPERS)("takes name, index and refused packets from the device inside: %s", (_, wrap) => {
    const inner = MemoryDevice.open({ name: "inside0" });
    using device = wrap(inner);
    const memory = new Uint8Array(4096);
    device.attach(memory.buffer);
    expect([device.name, device.index]).toEqual(["inside0", 0]);
    memory.set(packetOf("ip", 60, 1), 128);
    device.write({ at: Uint32Array.of(1024, 128), lengths: Uint16Array.of(40, 60) }, 0, 2);
    expect([device.refused, inner.refused]).toEqual([1, 1]);
  });
});
