// needs root: the fake kernel makes network interfaces
// Every way of opening a device keeps the contract, in front of the fake kernel.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { PacketSocket, type Kernel } from "@bunnel/bsd/proof";
import type { DeviceOptions } from "@bunnel/device";
import { conformance } from "@bunnel/device/conformance";
import { openDarwinTun, type DarwinEnvironment } from "../src/index.ts";
import { darwinKernel, onKernel } from "./darwin-kernel.ts";

let kernel: Kernel;
beforeAll(() => {
  kernel = darwinKernel();
});
afterAll(() => kernel[Symbol.dispose]());

const FULL_QUEUE = "the Linux interface behind the fake kernel takes every packet that is written to it";
const KINDS: readonly (readonly [string, DeviceOptions, DarwinEnvironment])[] = [
  ["DarwinTun (utun)", {}, {}],
  ["DarwinTun (utun) packet by packet", {}, { batch: false }],
  ["DarwinTun of Ethernet (feth)", { medium: "ethernet" }, {}],
];

for (const [name, options, environment] of KINDS) {
  const { medium = "ip" } = options;
  conformance(name, {
    open() {
      const device = openDarwinTun(options, onKernel(kernel, environment));
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
    transferred: { module: new URL("../src/descriptor.ts", import.meta.url).href, opener: "openTransferredDarwin" },
    cannot: { fullQueue: FULL_QUEUE },
  });
}

test("all devices of this suite have left nothing behind but the waiting thread's pipe", () => {
  expect(kernel.held()).toEqual({ descriptors: 2, interfaces: 0, routes: 0 });
});
