// needs root: the fake kernel makes network interfaces
// Opening a utun: the calls and their octets, what the system then has, and every refusal.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { failureOf, vectorOf, type Kernel } from "@bunnel/bsd/proof";
import type { DeviceOptions } from "@bunnel/device";
import { openDarwinTun, type DarwinEnvironment } from "../src/index.ts";
import { darwinKernel, darwinTable, onKernel } from "./darwin-kernel.ts";

let kernel: Kernel;
beforeAll(() => {
  kernel = darwinKernel();
});
afterEach(() => {
  expect(kernel.held()).toEqual({ descriptors: 0, interfaces: 0, routes: 0 });
  kernel.log();
});
afterAll(() => kernel[Symbol.dispose]());

const open = (options: DeviceOptions = {}, environment: DarwinEnvironment = {}) =>
  openDarwinTun(options, onKernel(kernel, environment));
const table = darwinTable("arm64");

describe("openDarwinTun()", () => {
  test("makes the calls that a utun needs, in order, with the octets of the headers", () => {
    using device = open({ name: "utun7", mtuBytes: 1420, addresses: ["10.6.0.2/24", "fd00:6::2/64"] });
    const log = kernel.log();
    expect(device.name).toBe("utun7");
    expect(log.slice(0, 5)).toEqual([
      "socket 32 2 2 = 0",
      `ioctl 0xc0644e03 ${vectorOf(table, "ctl_info")} = 0`,
      "connect = 0",
      "getsockopt 2 2 = 0",
      "setsockopt 2 16 = 0",
    ]);
    expect(log).toContain(`ioctl 0x80206934 ${vectorOf(table, "ifreq_mtu")} = 0`);
    expect(log).toContain(`ioctl 0x8080691a ${vectorOf(table, "in6_aliasreq")} = 0`);
  });

  test("gives the interface both addresses, the route to the network, its MTU, and has it up", () => {
    using device = open({ mtuBytes: 1380, addresses: ["192.0.2.1/24", "2001:db8::1/64"] });
    const [link] = kernel.namespace.ip(`addr show dev ${device.name}`);
    expect(link).toMatchObject({
      mtu: 1380,
      flags: expect.arrayContaining(["UP", "POINTOPOINT"]) as unknown,
      addr_info: [
        { family: "inet", local: "192.0.2.1", prefixlen: 32 },
        { family: "inet6", local: "2001:db8::1", prefixlen: 64 },
      ],
    });
    expect(kernel.namespace.ip(`route show dev ${device.name}`)).toMatchObject([{ dst: "192.0.2.0/24" }]);
    expect(kernel.namespace.ip(`-6 route show dev ${device.name}`)).toMatchObject([{ dst: "2001:db8::/64" }]);
    expect(device.index).toBe(Number(link?.["ifindex"]));
  });

  test("a peer takes the place of the address itself; a /128 has the next address as its other end", () => {
    using device = open({
      addresses: [{ address: "192.0.2.1", peer: "192.0.2.2" }, "2001:db8::1/128"],
    });
    const [link] = kernel.namespace.ip(`addr show dev ${device.name}`);
    expect(link?.["addr_info"]).toMatchObject([
      { local: "192.0.2.1", address: "192.0.2.2", prefixlen: 32 },
      { local: "2001:db8::1", address: "2001:db8::2", prefixlen: 128 },
    ]);
  });

  test("no connected route where none is wanted", () => {
    using device = open({ addresses: [{ address: "192.0.2.1/24", connectedRoute: false }] });
    expect(kernel.namespace.ip(`route show dev ${device.name}`)).toEqual([]);
  });

  test("takes the next free unit without a name, and for utun%d", () => {
    using first = open();
    using second = open({ name: "utun%d" });
    expect([first.name, second.name]).toEqual(["utun0", "utun1"]);
  });

  test("is left down when it is asked to be", () => {
    using device = open({ up: false });
    const [link] = kernel.namespace.ip(`link show dev ${device.name}`);
    expect(link?.["flags"]).not.toContain("UP");
  });

  test("asks for packets in advance before the first read of many", () => {
    using device = open();
    const memory = new Uint8Array(1 << 16);
    device.attach(memory.buffer);
    expect(device.read({ at: Uint32Array.of(128), lengths: new Uint16Array(1) }, 0, 2048)).toBe(0);
    expect(kernel.log()).toContain("setsockopt 2 16 = 0");
  });
});

describe("openDarwinTun() refuses", () => {
  const cases: readonly (readonly [string, () => unknown, string, RegExp])[] = [
    ["a name that is no utun's", () => open({ name: "vpn0" }), "E_DEVICE_OPTION", /"utun" and a number/],
    ["a number with a leading zero", () => open({ name: "utun07" }), "E_DEVICE_OPTION", /"utun" and a number/],
    ["an MTU below 576", () => open({ mtuBytes: 500 }), "E_DEVICE_OPTION", /576 to 65535, found 500/],
    [
      "an MTU below 1280 with an IPv6 address",
      () => open({ mtuBytes: 1000, addresses: ["2001:db8::1/64"] }),
      "E_DEVICE_OPTION",
      /1280 to 65535, found 1000/,
    ],
    ["a hardware address", () => open({ mac: "02:00:00:00:00:01" }), "E_DEVICE_OPTION", /ethernet device/],
    ["persistence, which a utun has not", () => open({ persistent: true }), "E_UNSUPPORTED", /feth/],
    ["several queues", () => open({ multiQueue: true }), "E_UNSUPPORTED", /multiQueue.*darwin/],
    [
      "a peer of another family",
      () => open({ addresses: [{ address: "192.0.2.1", peer: "::2" }] }),
      "E_DEVICE_OPTION",
      /IPv4/,
    ],
  ];
  test.each(cases)("%s", (_, work, code, words) => {
    expect(failureOf(work)).toMatchObject({ code, message: expect.stringMatching(words) as unknown });
  });

  test("a unit in use, by name, and leaves the other alone", () => {
    using device = open({ name: "utun3" });
    expect(failureOf(() => open({ name: "utun3" }))).toMatchObject({ code: "E_DEVICE_BUSY", errno: 16 });
    expect(device.wait(0)).toBe(0);
  });

  test("without root", () => {
    const failure = failureOf(() => kernel.withoutPrivilege(() => open()));
    expect(failure).toMatchObject({ code: "E_DEVICE_DENIED", errno: 1 });
    expect(failure.message).toContain("needs root");
  });

  test("a system without utun", () => {
    kernel.refuse("ioctl", 0xc064_4e03, 2);
    expect(failureOf(() => open())).toMatchObject({ code: "E_DEVICE_MISSING", errno: 2 });
  });

  test("a missing library, naming every path that was tried", () => {
    const failure = failureOf(() =>
      openDarwinTun({}, { libraries: ["/nowhere/a.dylib", "/nowhere/b.dylib"], arch: "x64" }),
    );
    expect(failure.code).toBe("E_DEVICE_MISSING");
    expect(failure.message).toContain("/nowhere/a.dylib, /nowhere/b.dylib");
  });

  test("half-way, whatever call fails, and nothing stays", () => {
    const requests = [0x8020_6934, 0x8040_691a, 0x8080_691a, 0xc020_6911, 0x8020_6910];
    for (const request of requests) {
      kernel.refuse("ioctl", request, 12);
      const failure = failureOf(() => open({ addresses: ["192.0.2.1/24", "2001:db8::1/64"] }));
      expect(failure).toMatchObject({ code: "E_DEVICE_SYSTEM", errno: 12 });
      expect(kernel.held()).toEqual({ descriptors: 0, interfaces: 0, routes: 0 });
    }
    kernel.refuse("socket", 32, 43);
    expect(failureOf(() => open())).toMatchObject({ code: "E_UNSUPPORTED", errno: 43 });
    kernel.refuse("connect", 0, 12);
    expect(failureOf(() => open())).toMatchObject({ code: "E_DEVICE_SYSTEM", errno: 12 });
  });
});
