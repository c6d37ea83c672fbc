// needs root: the fake kernel makes network interfaces
// Real packets through two devices, each in a network of its own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectDevices, expectPings, expectTransfers, type Kernel } from "@bunnel/bsd/proof";
import { openDarwinTun } from "../src/index.ts";
import { darwinKernel, onKernel } from "./darwin-kernel.ts";

let kernels: readonly [Kernel, Kernel];
beforeAll(() => {
  kernels = [darwinKernel(), darwinKernel()];
});
afterAll(() => {
  for (const kernel of kernels) kernel[Symbol.dispose]();
});

describe.each(["ip", "ethernet"] as const)("two devices of medium %s, connected", (medium) => {
  test("answer pings and carry TCP in both families", async () => {
    const ends = kernels.map((kernel, i) => {
      const [ipv4, ipv6] = [`192.0.2.${i + 1}`, `2001:db8::${i + 1}`];
      const options = { medium, addresses: [`${ipv4}/24`, `${ipv6}/64`], mtuBytes: 1400 };
      return { namespace: kernel.namespace, device: openDarwinTun(options, onKernel(kernel)), ipv4, ipv6 };
    });
    const [here, there] = ends;
    if (!here || !there) throw new Error("two ends: expected two, found fewer");
    const carrying = connectDevices(here.device, there.device);
    await expectPings(here, there);
    await expectTransfers(here, there);
    for (const { device } of ends) device.close();
    await carrying;
    for (const kernel of kernels) expect(kernel.held()).toMatchObject({ interfaces: 0, routes: 0 });
  });
});
