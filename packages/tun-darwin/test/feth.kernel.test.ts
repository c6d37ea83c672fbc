// needs root: the fake kernel makes network interfaces
// A feth pair as a TAP device: the calls, what the system then has, every refusal, and what is left.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { failureOf, PacketSocket, type Kernel } from "@bunnel/bsd/proof";
import type { DeviceOptions } from "@bunnel/device";
import { conformanceFrame } from "@bunnel/device/conformance";
import { readRecord } from "../src/bpf-path.ts";
import { openDarwinTap } from "../src/index.ts";
import { darwinKernel, onKernel } from "./darwin-kernel.ts";

let kernel: Kernel;
beforeAll(() => {
  kernel = darwinKernel();
});
afterEach(() => {
  expect(kernel.held()).toEqual({ descriptors: 0, interfaces: 0, routes: 0 });
  kernel.log();
});
afterAll(() => kernel[Symbol.dispose]());

const open = (options: Omit<DeviceOptions, "medium"> = {}) => openDarwinTap(options, onKernel(kernel));
const linksNow = () => kernel.namespace.ip("link").map(({ ifname }) => ifname);

describe("openDarwinTap()", () => {
  test("makes a pair, passes over a filter that is taken, and destroys both at the end", () => {
    {
      using device = open({ name: "feth7", mac: "02:00:00:00:00:07", mtuBytes: 1400 });
      const log = kernel.log();
      expect(device.name).toBe("feth7");
      expect(device.state()).toMatchObject({ name: "feth7", mac: "02:00:00:00:00:07", persistent: false });
      expect(log.filter((line) => line.startsWith("open"))).toEqual(["open /dev/bpf0 = -1", "open /dev/bpf1 = 0"]);
      expect(new Set(linksNow())).toEqual(new Set(["feth0", "feth7", "lo"]));
      const mtus = kernel.namespace.ip("link").filter(({ ifname }) => ifname !== "lo");
      expect(mtus.map(({ mtu }) => mtu)).toEqual([1400, 1400]);
    }
    expect(linksNow()).toEqual(["lo"]);
    expect(kernel.log().filter((line) => line.startsWith("ioctl 0x80206979"))).toHaveLength(2);
  });

  test("addresses of both families with their broadcast address", () => {
    using device = open({ addresses: ["192.0.2.1/24", "2001:db8::1/64"] });
    const [link] = kernel.namespace.ip(`addr show dev ${device.name}`);
    expect(link?.["addr_info"]).toMatchObject([
      { local: "192.0.2.1", prefixlen: 24 },
      { local: "2001:db8::1", prefixlen: 64 },
    ]);
    expect(kernel.log().some((line) => line.includes("10020000c00002ff"))).toBe(true);
  });

  test("the hardware address is changed while it is open", () => {
    using device = open();
    device.set({ mac: "02:00:00:00:00:09" });
    expect(kernel.namespace.ip(`link show dev ${device.name}`)).toMatchObject([{ address: "02:00:00:00:00:09" }]);
    expect(failureOf(() => device.set({ mac: "02:00" }))).toMatchObject({ code: "E_DEVICE_OPTION" });
    expect(failureOf(() => device.set({ owner: 1 }))).toMatchObject({ code: "E_UNSUPPORTED" });
  });

  test("a persistent pair can be let go of while it is open", () => {
    const device = open({ persistent: true });
    device.set({ deleteOnClose: true });
    device.close();
    expect(linksNow()).toEqual(["lo"]);
  });

  test("does not see what it wrote itself", () => {
    using device = open();
    using other = kernel.namespace.run(() => new PacketSocket(device.name));
    expect(kernel.log().some((line) => line.startsWith("ioctl 0x80044277 00000000 = 0"))).toBe(true);
    expect(device.writev([conformanceFrame(60, 1)])).toBe(true);
    expect(other.receive()).toEqual(conformanceFrame(60, 1));
    expect(device.readv([new Uint8Array(2048)])).toBe(-1);
  });
});

describe("openDarwinTap() refuses", () => {
  test("a name that is no feth's, and one that is taken", () => {
    expect(failureOf(() => open({ name: "tap0" }))).toMatchObject({ code: "E_DEVICE_OPTION" });
    using device = open({ name: "feth3" });
    expect(failureOf(() => open({ name: "feth3" }))).toMatchObject({ code: "E_DEVICE_BUSY", errno: 17 });
    expect(device.name).toBe("feth3");
  });

  test("an MTU beyond what the pair can have", () => {
    const failure = failureOf(() => open({ mtuBytes: 9000 }));
    expect(failure).toMatchObject({ code: "E_DEVICE_OPTION", errno: 22 });
    expect(failure.message).toContain("9000");
  });

  test("without root, and when every filter is taken", () => {
    expect(failureOf(() => kernel.withoutPrivilege(() => open()))).toMatchObject({ code: "E_DEVICE_DENIED" });
    const devices = [open(), open(), open()];
    expect(failureOf(() => open())).toMatchObject({ code: "E_DEVICE_MISSING" });
    for (const device of devices) device.close();
  });

  test("half-way, whatever call fails, and nothing stays", () => {
    const requests = [0x8028_697b, 0xc004_4266, 0x8020_426c, 0x8004_4270, 0x8004_4277, 0x8004_4275, 0x4004_4266];
    for (const request of requests) {
      kernel.refuse("ioctl", request, 12);
      expect(failureOf(() => open())).toMatchObject({ code: "E_DEVICE_SYSTEM", errno: 12 });
      expect(kernel.held()).toEqual({ descriptors: 0, interfaces: 0, routes: 0 });
    }
    kernel.refuse("socket", 27, 12);
    expect(failureOf(() => open())).toMatchObject({ errno: 12 });
  });
});

describe("readRecord()", () => {
  const buffer = new Uint8Array(256);
  const view = new DataView(buffer.buffer);
  const put = (at: number, headerBytes: number, captured: number) => {
    view.setUint32(at + 8, captured, true);
    view.setUint16(at + 16, headerBytes, true);
  };

  test("decodes two records of one buffer, padded to four, whatever the header's own length", () => {
    put(0, 18, 43);
    buffer.fill(1, 18, 18 + 43);
    put(64, 20, 5);
    buffer.fill(2, 84, 89);
    const first = readRecord(buffer, 0, 92);
    expect([first.frame.length, first.next]).toEqual([43, 64]);
    expect(first.frame.every((octet) => octet === 1)).toBe(true);
    const second = readRecord(buffer, first.next, 92);
    expect([...second.frame]).toEqual([2, 2, 2, 2, 2]);
  });

  test.each([
    ["ends behind the buffer", 18, 100, 64],
    ["has no header", 0, 4, 64],
    ["begins too near to the end", 18, 4, 10],
  ])("refuses a record that %s", (_, headerBytes, captured, end) => {
    put(0, headerBytes, captured);
    expect(failureOf(() => readRecord(buffer, 0, end))).toMatchObject({ code: "E_DEVICE_SYSTEM" });
  });
});
