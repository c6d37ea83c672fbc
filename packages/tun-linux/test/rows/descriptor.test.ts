// needs root
// Descriptors that go from hand to hand. tun-rs: from_fd, into_raw_fd, as_raw_fd, BorrowedSyncDevice. tappers: AsFd,
// AsRawFd.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Wake, type DeviceOptions, type PacketList } from "@bunnel/device";
import { packetOf } from "@bunnel/device/conformance";
import { NetworkNamespace, openLinuxDescriptor, type LinuxTun } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { openBlockingTun, socketPair } from "./sys.ts";
import { linkOf, quietDevice } from "./witness.ts";

const O_NONBLOCK = 0o4000;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

/** Whether the kernel says that calls on a descriptor come back at once. */
function isNonBlocking(fd: number): boolean {
  const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0";
  return (Number.parseInt(flags, 8) & O_NONBLOCK) !== 0;
}

function isOpen(fd: number): boolean {
  return readdirSync("/proc/self/fd").includes(String(fd)) && readlinkSync(`/proc/self/fd/${fd}`) === "/dev/net/tun";
}

/** A packet in, and the same out again. */
function expectToCarry(device: LinuxTun, index: number): void {
  using socket = namespace.run(() => new PacketSocket(index));
  const packet = packetOf(device.capabilities.medium, 80, 3);
  const memory = new Uint8Array(4096);
  const list: PacketList = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
  device.attach(memory.buffer);
  socket.send(packet);
  expect(device.wait(1000)).toBe(Wake.Readable);
  expect(device.read(list, 0, 2048)).toBe(1);
  expect(memory.slice(128, 128 + (list.lengths[0] ?? 0))).toEqual(packet);
  expect(device.write(list, 0, 1)).toBe(1);
  expect(socket.receive()).toEqual(packet);
}

describe("openLinuxDescriptor()", () => {
  test.each<[DeviceOptions]>([
    [{}],
    [{ medium: "ethernet" }],
    [{ offload: true }],
    [{ offload: true, vnetHeaderBytes: 12 }],
    [{ packetInformation: true }],
    [{ multiQueue: true }],
  ])("reads from the descriptor what it is, and carries packets: %j", (options) => {
    using device = quietDevice(namespace, options);
    using borrowed = openLinuxDescriptor(device.fd, { ownership: "borrowed" });
    expect([borrowed.name, borrowed.index]).toEqual([device.name, device.index]);
    expect(borrowed.capabilities).toEqual(device.capabilities);
    expect(borrowed.multiQueue).toBe(options.multiQueue ?? false);
    expectToCarry(borrowed, device.index);
  });

  test("borrowed: close() leaves the descriptor open, and blocking again where it was", () => {
    const { fd, name } = namespace.run(() => openBlockingTun("lent0"));
    expect(isNonBlocking(fd)).toBe(false);
    const device = openLinuxDescriptor(fd, { ownership: "borrowed" });
    expect(device.name).toBe(name);
    expect(isNonBlocking(fd)).toBe(true);
    device.close();
    device.close();
    expect(isNonBlocking(fd)).toBe(false);
    expect(linkOf(namespace, name)).toBeDefined();
    openLinuxDescriptor(fd, { ownership: "owned" }).close();
    expect(isOpen(fd)).toBe(false);
    expect(linkOf(namespace, name)).toBeUndefined();
  });

  test("owned: close() closes it; release() gives it away and leaves it open", () => {
    const device = quietDevice(namespace, { name: "given0" });
    const { fd } = device;
    expect(device.release()).toBe(fd);
    expect(device.fd).toBe(-1);
    expect(() => device.state()).toThrow("expected open, found closed");
    expect(isOpen(fd)).toBe(true);
    const taken = openLinuxDescriptor(fd, { ownership: "owned" });
    expectToCarry(taken, taken.index);
    using borrowed = openLinuxDescriptor(fd, { ownership: "borrowed" });
    expect(() => borrowed.release()).toThrow("expected its own descriptor, found another's");
    taken.close();
    expect(isOpen(fd)).toBe(false);
  });

  test("a child process takes the descriptor that it inherited", async () => {
    using device = quietDevice(namespace, { name: "child0" });
    using socket = namespace.run(() => new PacketSocket(device.index));
    const module = new URL("../../src/index.ts", import.meta.url).pathname;
    const program = `
      import { openLinuxDescriptor } from "${module}";
      const device = openLinuxDescriptor(3, { ownership: "owned" });
      const memory = new Uint8Array(4096);
      const list = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
      device.attach(memory.buffer);
      device.wait(-1);
      device.read(list, 0, 2048);
      device.write(list, 0, 1);
      console.log(device.name);`;
    const child = namespace.run(() =>
      Bun.spawn([process.execPath, "-e", program], { stdio: ["ignore", "pipe", "inherit", device.fd] }),
    );
    socket.send(packetOf("ip", 60, 1));
    expect(await new Response(child.stdout).text()).toBe("child0\n");
    expect(socket.receive()).toEqual(packetOf("ip", 60, 1));
  });

  test("a descriptor that is not of the TUN driver carries packets as the options tell", () => {
    using pair = socketPair();
    using device = openLinuxDescriptor(pair.here, { ownership: "borrowed", name: "vpn0", index: 9 });
    expect([device.name, device.index]).toEqual(["vpn0", 9]);
    expect(device.capabilities).toMatchObject({ medium: "ip", vnetHeader: false, packetInformation: false });
    const memory = new Uint8Array(4096);
    const list: PacketList = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
    device.attach(memory.buffer);
    pair.send(packetOf("ip", 60, 1));
    expect(device.wait(1000)).toBe(Wake.Readable);
    expect(device.read(list, 0, 2048)).toBe(1);
    expect(device.write(list, 0, 1)).toBe(1);
    expect(pair.receive()).toEqual(packetOf("ip", 60, 1));
    using bare = openLinuxDescriptor(pair.here, { ownership: "borrowed" });
    expect([bare.name, bare.index]).toEqual([`fd${pair.here}`, 0]);
    expect(() => bare.state()).toThrow("expected a descriptor of the TUN driver, found another");
  });

  test("says what is wrong with a descriptor", () => {
    using device = quietDevice(namespace);
    const open = (fd: number, options: object) => () => openLinuxDescriptor(fd, { ownership: "borrowed", ...options });
    expect(open(99_999, {})).toThrow("descriptor 99999: expected an open one, found none");
    expect(open(device.fd, { medium: "ethernet" })).toThrow("expected medium ethernet, found ip");
    expect(open(device.fd, { vnetHeader: true })).toThrow("expected vnetHeader true, found false");
    expect(open(device.fd, { packetInformation: true })).toThrow("expected packetInformation true, found false");
    const { fd } = namespace.run(() => openBlockingTun(""));
    using held = openLinuxDescriptor(fd, { ownership: "owned" });
    expect(held.name).toMatch(/^tun\d$/);
    const bare = namespace.run(() => openBlockingTun(undefined));
    expect(open(bare.fd, {})).toThrow("expected an interface behind it, found none");
    bare.close();
  });

  test("refuses what does not keep packets apart", () => {
    const folder = mkdtempSync(join(tmpdir(), "descriptor-"));
    const fifo = join(folder, "fifo");
    Bun.spawnSync(["mkfifo", fifo]);
    using stream = socketPair("stream");
    const kinds = [
      [openSync(import.meta.path, "r"), "a file"],
      [openSync(fifo, "r+"), "a pipe"],
      [stream.here, "a stream socket"],
    ] as const;
    for (const [fd, kind] of kinds) {
      const message = `descriptor ${fd}: expected one that keeps packets apart, found ${kind}`;
      expect(() => openLinuxDescriptor(fd, { ownership: "owned" })).toThrow(message);
      if (fd !== stream.here) closeSync(fd);
    }
    rmSync(folder, { recursive: true });
  });
});
