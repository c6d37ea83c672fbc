// needs root
// What the kernel's driver knows, and what this driver says about itself.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { DeviceOptions } from "@bunnel/device";
import { LINUX_CAPABILITIES, NetworkNamespace, openLinuxTun, tunFeatures } from "../../src/index.ts";
import { asUser, runProgram } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("tunFeatures()", () => {
  test("names what every kernel of the last ten years has", () => {
    for (const feature of ["tun", "tap", "multiQueue", "vnetHeader", "noPacketInformation"] as const) {
      expect(tunFeatures()).toContain(feature);
    }
  });

  test("needs no privilege", () => {
    const { output } = runProgram(namespace, `console.log(driver.tunFeatures().has("tap"))`, ...asUser(54321));
    expect(output).toBe("true");
  });
});

describe("LINUX_CAPABILITIES", () => {
  test("says the truth about options: what is not in it is refused by name, with the platform", () => {
    const options = { description: "an adapter" } as DeviceOptions;
    expect(() => namespace.run(() => openLinuxTun(options))).toThrow(
      "option description: expected a platform that has it, found linux",
    );
    expect(LINUX_CAPABILITIES.media).toEqual(["ip", "ethernet"]);
    expect(LINUX_CAPABILITIES.features).toContain("queues");
  });

  test("and about changes", () => {
    using device = namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none" }));
    expect(() => device.set({ mtuBytes: 1400 } as object)).toThrow("changing mtuBytes: expected a platform");
    expect(() => device.set({ queue: "detached" })).toThrow(
      "expected a device opened with multiQueue, found one queue",
    );
  });
});
