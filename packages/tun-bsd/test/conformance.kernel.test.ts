// needs root: the fake kernel makes network interfaces
// Every way of opening a device keeps the contract, in front of the fake kernel of each system.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { PacketSocket, type Kernel } from "@bunnel/bsd/proof";
import { conformance } from "@bunnel/device/conformance";
import { openBsdTun } from "../src/index.ts";
import { BSD_NAMES, bsdKernel, onKernel } from "./bsd-kernel.ts";

const kernels = new Map<string, Kernel>();
beforeAll(() => {
  for (const name of BSD_NAMES) kernels.set(name, bsdKernel(name));
});
afterAll(() => {
  for (const kernel of kernels.values()) kernel[Symbol.dispose]();
});

function kernelOf(name: string): Kernel {
  const kernel = kernels.get(name);
  if (!kernel) throw new Error(`kernel of ${name}: expected one, found none`);
  return kernel;
}

const FULL_QUEUE = "the Linux interface behind the fake kernel takes every packet that is written to it";

for (const name of BSD_NAMES) {
  for (const medium of ["ip", "ethernet"] as const) {
    conformance(`BsdTun of ${name}, ${medium}`, {
      open() {
        const kernel = kernelOf(name);
        const device = openBsdTun({ medium }, onKernel(kernel, name));
        const socket = kernel.namespace.run(() => new PacketSocket(device.name));
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
      capabilities: { medium, vnetHeader: false, vectored: true },
      transferred: { module: new URL("../src/descriptor.ts", import.meta.url).href, opener: "openTransferredBsd" },
      cannot: { fullQueue: FULL_QUEUE },
    });
  }
}

test.each(BSD_NAMES)("all devices of %s have left nothing behind but the waiting thread's pipe", (name) => {
  expect(kernelOf(name).held()).toEqual({ descriptors: 2, interfaces: 0, routes: 0 });
});
