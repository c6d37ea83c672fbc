// What opening a device asks of Windows, what its refusals become, and that everything is given back.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { heapSize } from "bun:jsc";
import { mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Wake } from "@bunnel/device";
import { tcpPacket } from "@bunnel/wire";
import { failureOf } from "../test/failure.ts";
import { isWine, World } from "../test/world.ts";
import * as win from "./constants.ts";
import { guidOfName } from "./guid.ts";
import { windowsSetup, findWintun } from "./libraries.ts";
import { openWindowsTun } from "./open.ts";
import type { WindowsOptions } from "./options.ts";
import { deleteWintunDriver, wintunVersion } from "./wintun.ts";

const world = new World(true);
const open = (options: WindowsOptions = {}) => openWindowsTun({ setup: world.setup, ...options });

afterEach(() => {
  expect(world.violations()).toEqual([]);
  expect(world.held()).toBe(0);
  world.record();
});

describe("openWindowsTun()", () => {
  test("makes the adapter, sets both stacks, then the addresses", () => {
    using device = open({ name: "one", mtuBytes: 1400, metric: 7, addresses: ["192.0.2.1/24", "2001:db8::1/64"] });
    expect(device.name).toBe("one");
    expect(world.record()).toEqual([
      "create type=bunnel guid=1",
      "stack IPv4 mtu=1400 metric=7/0 dad=0 discovery=0 linklocal=0 site=0 forwarding=0",
      "stack IPv6 mtu=1400 metric=7/0 dad=0 discovery=0 linklocal=0 site=64 forwarding=0",
      "address add c0000201/24 dad=4 origin=1/1 valid=ffffffff preferred=ffffffff",
      "address add 20010db8000000000000000000000001/64 dad=4 origin=1/1 valid=ffffffff preferred=ffffffff",
    ]);
  });

  test("gives a name that was left out, or a %d, the first free number", () => {
    using first = open();
    using second = open();
    using third = open({ name: "net%d" });
    expect([first.name, second.name, third.name]).toEqual(["bunnel0", "bunnel1", "net0"]);
  });

  test("takes over an adapter that is there, unless a new one was asked for", () => {
    using first = open({ name: "mine" });
    expect(failureOf(() => open({ name: "mine", exclusive: true }))).toMatchObject({ code: "E_DEVICE_BUSY" });
    // The first still has its session: the second gets the adapter, and is told that it is in use.
    const failure = failureOf(() => open({ name: "mine" }));
    expect(failure).toMatchObject({ code: "E_DEVICE_BUSY", errno: win.ERROR_ALREADY_INITIALIZED });
    expect(failure.message).toBe('adapter "mine": expected it free, found it in use');
    expect(first.wait(0)).toBe(Wake.Timeout);
  });

  test("takes over what a killed process left, and what was left goes when it is closed", () => {
    world.addOrphan("left");
    open({ name: "left" }).close();
    open({ name: "left", exclusive: true }).close();
    world.addOrphan("left");
    expect(failureOf(() => open({ name: "left", exclusive: true })).code).toBe("E_DEVICE_BUSY");
    open({ name: "left", attach: true }).close();
  });

  test("waits for the IP stacks, which Windows binds after the adapter was made", () => {
    for (let i = 0; i < 5; i++) world.fail("GetIpInterfaceEntry", win.ERROR_NOT_FOUND);
    open({ addresses: ["192.0.2.1/24"] }).close();
    expect(world.record().filter((line) => line.startsWith("address add"))).toHaveLength(1);
  });

  test("attach: nothing is changed; without an adapter of that name it says so", () => {
    const failure = failureOf(() => open({ name: "absent", attach: true }));
    expect(failure).toMatchObject({ code: "E_DEVICE_GONE", errno: win.ERROR_NOT_FOUND });
    expect(failureOf(() => open({ attach: true })).code).toBe("E_DEVICE_OPTION");
    expect(failureOf(() => open({ name: "absent", attach: true, mtuBytes: 1400 })).code).toBe("E_DEVICE_OPTION");
    expect(world.record()).toEqual([]);
  });

  test("gives everything back when a step fails", () => {
    const steps = [
      "WintunCreateAdapter",
      "WintunStartSession",
      "SetIpInterfaceEntry",
      "CreateUnicastIpAddressEntry",
    ] as const;
    for (const step of steps) {
      world.fail(step, win.ERROR_ACCESS_DENIED);
      const failure = failureOf(() => open({ name: "half", addresses: ["192.0.2.1/24"] }));
      expect(failure).toMatchObject({ code: "E_DEVICE_DENIED", errno: win.ERROR_ACCESS_DENIED });
      expect(failure.message).toEndWith("failed with ERROR_ACCESS_DENIED: needs an administrator");
      expect(world.held()).toBe(0);
    }
  });

  test("adding an address that Windows has already is no error", () => {
    world.fail("CreateUnicastIpAddressEntry", win.ERROR_OBJECT_ALREADY_EXISTS);
    open({ addresses: ["192.0.2.1/24"] }).close();
  });

  test.each([
    [
      "a ring that is no power of two",
      { ringBytes: 3_000_000 },
      "E_DEVICE_OPTION",
      "ringBytes: expected a power of two",
    ],
    ["a ring that is too small", { ringBytes: 0x1_0000 }, "E_DEVICE_OPTION", "from 131072 to 67108864, found 65536"],
    ["a ring that is too large", { ringBytes: 0x800_0000 }, "E_DEVICE_OPTION", "found 134217728"],
    ["an MTU too short for anything", { mtuBytes: 60 }, "E_DEVICE_OPTION", "mtuBytes: expected 68 to 65535, found 60"],
    [
      "an MTU too short for IPv6",
      { mtuBytes: 1279, addresses: ["2001:db8::1/64"] },
      "E_DEVICE_OPTION",
      "mtuBytes with the IPv6 address 2001:db8::1/64: expected 1280",
    ],
    ["what is no address", { addresses: ["192.0.2/24"] }, "E_DEVICE_OPTION", 'expected IPv4 or IPv6, found "192.0.2"'],
    ["an IPv4 prefix of 33", { addresses: ["192.0.2.1/33"] }, "E_DEVICE_OPTION", "prefix length: expected 0 to 32"],
    ["a GUID that is none", { guid: "{12}" }, "E_DEVICE_OPTION", "GUID: expected 8-4-4-4-12 hexadecimal digits"],
    ["a name that is too long", { name: "n".repeat(128) }, "E_DEVICE_OPTION", "name: expected 1 to 127 UTF-16 units"],
    ["a peer", { addresses: [{ address: "192.0.2.1/24", peer: "192.0.2.2" }] }, "E_UNSUPPORTED", "peer of address"],
    ["offload", { offload: true }, "E_UNSUPPORTED", "option offload: expected a platform that has it, found win32"],
    ["several queues", { multiQueue: true }, "E_UNSUPPORTED", "option multiQueue"],
    ["a device that is down", { up: false }, "E_UNSUPPORTED", "option up: false"],
    ["a carrier of a TUN device", { carrier: false }, "E_UNSUPPORTED", "option carrier"],
  ] as const)("refuses %s before anything is made", (_, options, code, message) => {
    const failure = failureOf(() => open(options));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(message);
    expect(world.record()).toEqual([]);
  });

  test("IPv4 alone may have an MTU below that of IPv6, whose stack is left alone", () => {
    open({ mtuBytes: 600, addresses: ["192.0.2.1/24"] }).close();
    expect(world.record().filter((line) => line.startsWith("stack"))).toEqual([
      "stack IPv4 mtu=600 metric=0/0 dad=0 discovery=0 linklocal=0 site=0 forwarding=0",
    ]);
  });

  test("closing leaves the driver, which other programs may use; removing it is a call of its own", () => {
    open().close();
    expect(world.record().filter((line) => line.includes("delete"))).toEqual([]);
    deleteWintunDriver({ setup: world.setup });
    expect(world.record()).toEqual(["delete driver"]);
    world.fail("WintunDeleteDriver", win.ERROR_ACCESS_DENIED);
    expect(failureOf(() => deleteWintunDriver({ setup: world.setup })).code).toBe("E_DEVICE_DENIED");
  });

  test("wintunVersion() is that of the driver, and undefined while it is not loaded", () => {
    deleteWintunDriver({ setup: world.setup });
    expect(wintunVersion({ setup: world.setup })).toBeUndefined();
    open().close();
    expect(wintunVersion({ setup: world.setup })).toBe("0.14");
  });

  test("onLog hears of each entry, from a thread of the driver", async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    using _ = open({ onLog: resolve });
    expect(await promise).toEqual({ level: "warning", time: new Date("2026-01-02T03:04:05.000Z") });
  });

  test("guidOfName() is the same each time, another for another name, and a version 3 GUID", () => {
    expect(guidOfName("demo0")).toBe(guidOfName("demo0"));
    expect(guidOfName("demo0")).not.toBe(guidOfName("demo1"));
    expect(guidOfName("demo0")).toMatch(/^\{[0-9a-f]{8}-[0-9a-f]{4}-3[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\}$/);
  });
});

describe("WindowsDevice", () => {
  const list = { at: Uint32Array.of(0, 2000, 4000), lengths: new Uint16Array(3) };
  const memory = new Uint8Array(8192);

  test("says E_DEVICE_GONE, and Closed, when somebody takes the adapter away", async () => {
    using device = open();
    device.attach(memory.buffer);
    const readable = device.whenReadable();
    world.remove(device.luid);
    await readable;
    expect(failureOf(() => device.read(list, 0, 100))).toMatchObject({ code: "E_DEVICE_GONE", errno: 38 });
    memory[0] = 0x45;
    list.lengths[0] = 20;
    expect(failureOf(() => device.write(list, 0, 1))).toMatchObject({ code: "E_DEVICE_GONE", errno: 38 });
    expect(device.wait(-1)).toBe(Wake.Closed);
  });

  test("says what else Windows says", () => {
    using device = open();
    device.attach(memory.buffer);
    world.fail("WintunReceivePacket", win.ERROR_INVALID_DATA);
    const failure = failureOf(() => device.read(list, 0, 100));
    expect(failure).toMatchObject({ code: "E_DEVICE_SYSTEM", errno: win.ERROR_INVALID_DATA });
    expect(failure.message).toBe("reading from bunnel0 failed with ERROR_INVALID_DATA");
  });

  test("writes TCP segments without a gap as one packet, and each by itself with mergeTcp: false", () => {
    const flow = { source: "203.0.113.9", destination: "192.0.2.7", sourcePort: 443, destinationPort: 40000 };
    const segments = [0, 1, 2].map((i) =>
      tcpPacket({ ...flow, seq: 1 + i * 500, flags: "A", payload: new Uint8Array(500).fill(i) }),
    );
    for (const [mergeTcp, expected] of [
      [true, [1540]],
      [false, [540, 540, 540]],
    ] as const) {
      using device = open({ mergeTcp });
      device.attach(memory.buffer);
      for (const [i, segment] of segments.entries()) {
        memory.set(segment, list.at[i]);
        list.lengths[i] = segment.length;
      }
      expect(device.write(list, 0, 3)).toBe(3);
      const written = [];
      for (let packet = world.take(device.luid); packet; packet = world.take(device.luid)) written.push(packet.length);
      expect(written).toEqual([...expected]);
    }
  });

  test("write() and read() allocate nothing: the heap grows by less than an octet per packet", () => {
    using device = open();
    const flow = { source: "203.0.113.9", destination: "192.0.2.7", sourcePort: 443, destinationPort: 40000 };
    const burst = { at: Uint32Array.from({ length: 64 }, (_, i) => i * 128), lengths: new Uint16Array(64) };
    device.attach(memory.buffer);
    const growths: number[] = [];
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 64; i++) {
        const segment = tcpPacket({ ...flow, seq: 1 + i * 20, flags: "A", payload: new Uint8Array(20) });
        memory.set(segment, burst.at[i]);
        burst.lengths[i] = segment.length;
      }
      const before = heapSize();
      let moved = 0;
      for (let turn = 0; turn < 200; turn++) moved += device.write(burst, 0, 64) + device.read(burst, 0, 128);
      // The first rounds compile the loop.
      if (round >= 3) growths.push(heapSize() - before);
      expect(moved).toBe(200 * 64);
      while (world.take(device.luid)) continue;
    }
    expect(Math.max(...growths)).toBeLessThan(200 * 64);
  });

  test("gives back a packet that was taken from the ring and not read", () => {
    const device = open();
    world.inject(
      device.luid,
      tcpPacket({ source: "192.0.2.1", destination: "192.0.2.2", sourcePort: 1, destinationPort: 2 }),
    );
    expect(device.wait(-1)).toBe(Wake.Readable);
    device.close();
    expect(world.held()).toBe(0);
  });

  test("set() and state() say what there is, and E_UNSUPPORTED for what Windows has not", () => {
    using device = open({ ringBytes: 0x2_0000 });
    expect(device.state()).toEqual({
      name: "bunnel0",
      persistent: false,
      multiQueue: false,
      queue: "attached",
      sendBufferBytes: 0x2_0000,
      queues: 1,
      detachedQueues: 0,
    });
    expect(failureOf(() => device.set({ carrier: false })).code).toBe("E_UNSUPPORTED");
    expect(failureOf(() => device.set({ owner: 1 })).message).toBe(
      "changing owner: expected a platform that has it, found win32",
    );
  });
});

/** A library that this process has already, with functions of its own. */
function libraryOfLinux(): string {
  return /\/\S*\/libm\.so\S*/.exec(readFileSync("/proc/self/maps", "utf8"))?.[0] ?? "";
}

describe("findWintun()", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "bunnel-wintun-"));
  });
  afterAll(() => rmdirSync(folder));

  const setup = windowsSetup({ architecture: "x64" });

  /** The beginning of a PE file for a processor (winnt.h IMAGE_FILE_HEADER.Machine). */
  function library(machine: number): Uint8Array {
    const file = Buffer.alloc(256);
    file.writeUInt16LE(0x5a4d, 0);
    file.writeUInt32LE(128, 0x3c);
    file.writeUInt32LE(0x4550, 128);
    file.writeUInt16LE(machine, 132);
    return file;
  }

  test("says where it looked, and where to get it", () => {
    const failure = failureOf(() => findWintun(setup, [folder]));
    expect(failure.code).toBe("E_DEVICE_MISSING");
    expect(failure.message).toContain(`expected in ${join(folder, "wintun.dll")}, ${join(folder, "bin", "amd64")}`);
    expect(failure.message).toContain("get it from https://www.wintun.net and put the one for x64 beside the program");
  });

  test.each([
    [0xaa64, "expected a DLL for x64, found one for arm64"],
    [0x014c, "expected a DLL for x64, found one for x86"],
  ])("refuses a DLL for another processor: 0x%s", (machine, message) => {
    writeFileSync(join(folder, "wintun.dll"), library(machine));
    expect(failureOf(() => findWintun(setup, [folder])).message).toEndWith(message);
    rmSync(join(folder, "wintun.dll"));
  });

  test("refuses what is no DLL", () => {
    writeFileSync(join(folder, "wintun.dll"), "hello");
    const failure = failureOf(() =>
      open({ setup: { ...world.setup, libraries: { ...world.setup.libraries, wintun: "" } }, folders: [folder] }),
    );
    expect(failure).toMatchObject({ code: "E_DEVICE_MISSING" });
    expect(failure.message).toEndWith("expected a DLL for x64, found no DLL");
    rmSync(join(folder, "wintun.dll"));
  });

  test("takes the one for its processor, beside the program or below bin", () => {
    writeFileSync(join(folder, "wintun.dll"), library(0x8664));
    expect(findWintun(setup, ["/none", folder])).toBe(join(folder, "wintun.dll"));
    rmSync(join(folder, "wintun.dll"));
  });

  test("a library without Wintun's functions is told so", () => {
    const other = isWine ? "C:\\windows\\system32\\winmm.dll" : libraryOfLinux();
    const failure = failureOf(() =>
      open({ setup: { ...world.setup, libraries: { ...world.setup.libraries, wintun: other } } }),
    );
    expect(failure.code).toBe("E_DEVICE_MISSING");
    expect(failure.message).toContain("expected the 14 functions of Wintun 0.14, found a library without them");
  });
});
