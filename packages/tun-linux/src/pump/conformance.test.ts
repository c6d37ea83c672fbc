// needs root
// A device whose packets go through a pump keeps the contract of every device, over both back ends.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { AsyncTunDevice, DeviceOptions } from "@bunnel/device";
import { CONFORMANCE_MEMORY_BYTES, conformance } from "@bunnel/device/conformance";
import { BACKENDS } from "../../test/pump/backends.ts";
import { pumpMemory } from "../../test/pump/memory.ts";
import { PacketSocket } from "../../test/sys.ts";
import type { LinuxTun } from "../device.ts";
import { NetworkNamespace } from "../namespace.ts";
import { openLinuxTun } from "../open.ts";
import { openPump } from "./open.ts";
import type { PumpBackend, PumpSleep } from "./pump.ts";
import { eventOf, portOf, PumpedTun } from "./pumped-tun.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

const KINDS: readonly (readonly [string, DeviceOptions])[] = [
  ["TUN", {}],
  ["TUN with offload", { offload: true }],
  ["TAP", { medium: "ethernet" }],
];

/** Waiting without the thread is the device's own affair; a pump belongs to a thread that sleeps. */
function withPromises(pumped: PumpedTun, device: LinuxTun): AsyncTunDevice {
  return Object.assign(pumped, {
    whenReadable: (signal?: AbortSignal) => device.whenReadable(signal),
    whenWritable: (signal?: AbortSignal) => device.whenWritable(signal),
    [Symbol.asyncDispose]: () => {
      pumped.close();
      return device[Symbol.asyncDispose]();
    },
  });
}

function openSubject(backend: PumpBackend, sleep: PumpSleep, options: DeviceOptions) {
  const device = namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none", ...options }));
  const socket = namespace.run(() => new PacketSocket(device.index));
  const { memory, rings } = pumpMemory(CONFORMANCE_MEMORY_BYTES / 2048);
  const pump = openPump({ memory, rings, ports: [portOf(device)], eventFd: eventOf(device), backend, sleep });
  return {
    device: withPromises(new PumpedTun(device, pump, 0), device),
    memory,
    send: (packet: Uint8Array) => socket.send(packet),
    receive: () => socket.receive(),
    close: () => {
      socket[Symbol.dispose]();
      pump.close();
      device.close();
    },
  };
}

for (const backend of BACKENDS) {
  for (const [kind, options] of KINDS) {
    const { medium = "ip", offload: vnetHeader = false } = options;
    conformance(`PumpedTun of a ${kind}, ${backend}`, {
      open: () => openSubject(backend, kind === "TUN" ? "read" : "poll", options),
      capabilities: { medium, vnetHeader, vectored: false },
      transferred: { module: new URL("../hand-over.ts", import.meta.url).href, opener: "openTransferred" },
      cannot: {
        attach: "its memory is its pump's, from the start",
        fullQueue: "the kernel takes every packet that is written to a TUN interface",
      },
    });
  }
}

describe("PumpedTun", () => {
  test("takes no memory but that of its pump", () => {
    const subject = openSubject("plain", "poll", {});
    expect(() => subject.device.attach(new SharedArrayBuffer(64))).toThrow("expected the memory of its pump");
    subject.close();
  });
});
