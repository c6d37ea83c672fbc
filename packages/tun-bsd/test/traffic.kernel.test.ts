// needs root: the fake kernel makes network interfaces
// Real packets through two devices, each in a network of its own.
import { describe, expect, test } from "bun:test";
import { connectDevices, expectPings, expectTransfers } from "@bunnel/bsd/proof";
import { openBsdTun } from "../src/index.ts";
import { BSD_NAMES, bsdKernel, onKernel } from "./bsd-kernel.ts";

describe.each(BSD_NAMES)("two devices of %s, connected", (name) => {
  test.each(["ip", "ethernet"] as const)("answer pings and carry TCP in both families, medium %s", async (medium) => {
    using first = bsdKernel(name);
    using second = bsdKernel(name);
    const ends = [first, second].map((kernel, i) => {
      const [ipv4, ipv6] = [`192.0.2.${i + 1}`, `2001:db8::${i + 1}`];
      const options = { medium, addresses: [`${ipv4}/24`, `${ipv6}/64`], mtuBytes: 1400 };
      return { namespace: kernel.namespace, device: openBsdTun(options, onKernel(kernel, name)), ipv4, ipv6 };
    });
    const [here, there] = ends;
    if (!here || !there) throw new Error("two ends: expected two, found fewer");
    const carrying = connectDevices(here.device, there.device);
    await expectPings(here, there);
    await expectTransfers(here, there);
    for (const { device } of ends) device.close();
    await carrying;
    for (const kernel of [first, second]) expect(kernel.held()).toMatchObject({ interfaces: 0, routes: 0 });
  });
});
