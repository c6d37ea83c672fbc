import { describe, expect, test } from "bun:test";
import {
  checkChange,
  checkFeature,
  checkSupported,
  headerBytesOf,
  type DeviceCapabilities,
  type DriverCapabilities,
} from "./capabilities.ts";

const DRIVER: DriverCapabilities = {
  platform: "plan9",
  media: ["ip"],
  options: ["name", "medium", "mtuBytes"],
  changes: ["persistent"],
  features: ["queues"],
};

function device(more: Partial<DeviceCapabilities>): DeviceCapabilities {
  return { driver: "d", medium: "ip", vnetHeader: false, burst: 1, events: false, transferable: false, ...more };
}

describe("headerBytesOf()", () => {
  test.each([
    [{}, 0],
    [{ vnetHeader: true }, 10],
    [{ vnetHeader: true, vnetHeaderBytes: 12 }, 12],
    [{ packetInformation: true }, 4],
    [{ packetInformation: true, vnetHeader: true }, 14],
  ])("of %j is %d", (more, bytes) => {
    expect(headerBytesOf(device(more))).toBe(bytes);
  });
});

describe("what a driver cannot do", () => {
  test("is refused by the name of the option and of the platform", () => {
    const refused = (work: () => void) => expect(work).toThrow(expect.objectContaining({ code: "E_UNSUPPORTED" }));
    checkSupported(DRIVER, { name: "tun0", mtuBytes: 1400, medium: "ip" });
    expect(() => checkSupported(DRIVER, { persistent: true })).toThrow(
      "option persistent: expected a platform that has it, found plan9",
    );
    expect(() => checkSupported(DRIVER, { medium: "ethernet" })).toThrow(
      "ethernet devices: expected a platform that has it, found plan9",
    );
    refused(() => checkSupported(DRIVER, { offload: false }));
    checkChange(DRIVER, { persistent: false });
    expect(() => checkChange(DRIVER, { carrier: false })).toThrow("changing carrier");
    checkFeature(DRIVER, "queues");
    expect(() => checkFeature(DRIVER, "pairs")).toThrow("pairs: expected a platform that has it, found plan9");
  });
});
