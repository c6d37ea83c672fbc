// needs root
// A prepared device, opened by a user without any privilege. tun-rs: inherit_enable_state (and tun-rs issue 104).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { DeviceOptions } from "@bunnel/device";
import { NetworkNamespace, openLinuxTun } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { runInside } from "../witness.ts";
import { conformancePacket } from "@bunnel/device/conformance";
import { asUser, linkOf, runProgram, tunDataOf } from "./witness.ts";

const UID = 54321;
const GID = 54322;
/** A program that attaches as the arguments say, answers the next packet with itself, and tells what happened. */
const program = (options: string) => `
  try {
    const device = driver.openLinuxTun(${options});
    const memory = new Uint8Array(4096);
    const list = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
    device.attach(memory.buffer);
    if (device.read(list, 0, 2048) === 1) device.write(list, 0, 1);
    console.log(process.getuid(), device.name, device.index, list.lengths[0]);
    device.close();
  } catch (error) {
    console.log(error.code, error.message);
  }`;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
  const kinds: readonly (readonly string[])[] = [
    ["own0", "mode", "tun", "user", String(UID)],
    ["grp0", "mode", "tap", "group", String(GID)],
    ["many0", "mode", "tun", "user", String(UID), "multi_queue"],
    ["root0", "mode", "tun", "user", "0"],
  ];
  for (const [name = "", ...how] of kinds) {
    runInside(namespace, "ip", "tuntap", "add", "dev", name, ...how);
    runInside(namespace, "ip", "link", "set", name, "mtu", "1380", "txqueuelen", "77", "addrgenmode", "none", "up");
  }
  runInside(namespace, "ip", "addr", "add", "192.0.2.1/24", "dev", "own0");
});
afterAll(() => namespace.close());

function attachAs(user: readonly string[], options: string): string {
  const { output, errors } = runProgram(namespace, program(options), ...user);
  return output === "" ? errors : output;
}

describe("attach", () => {
  test("by the owner needs no privilege, carries packets and leaves everything as it was", () => {
    const before = linkOf(namespace, "own0");
    const index = Number(before?.["ifindex"]);
    const output = attachAs(asUser(UID), `{ name: "own0", attach: true }`);
    expect(output).toBe(`${UID} own0 ${index} 0`);
    const { operstate, flags, ...after } = linkOf(namespace, "own0") ?? {};
    expect(before).toMatchObject(after);
    expect(flags).toContain("UP");
    expect(operstate).toBeDefined();
    expect(tunDataOf(namespace, "own0")).toMatchObject({ persist: true, user: UID });
  });

  test("packets go both ways without privilege", async () => {
    const index = Number(linkOf(namespace, "own0")?.["ifindex"]);
    using socket = namespace.run(() => new PacketSocket(index, 10_000));
    const waiting = `
      const device = driver.openLinuxTun({ name: "own0", attach: true });
      const memory = new Uint8Array(4096);
      const list = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
      device.attach(memory.buffer);
      console.log("open");
      device.wait(10000);
      device.read(list, 0, 2048);
      device.write(list, 0, 1);`;
    const module = new URL("../../src/index.ts", import.meta.url).pathname;
    const body = `import * as driver from "${module}"; ${waiting}`;
    const child = namespace.run(() =>
      Bun.spawn([...asUser(UID), process.execPath, "-e", body], { stdout: "pipe", env: { HOME: "/tmp" } }),
    );
    const reader = child.stdout.getReader();
    await reader.read();
    socket.send(conformancePacket(60, 7));
    expect(await child.exited).toBe(0);
    expect(socket.receive()).toEqual(conformancePacket(60, 7));
  });

  test("by a member of the group, to a TAP device", () => {
    const index = Number(linkOf(namespace, "grp0")?.["ifindex"]);
    expect(attachAs(asUser(UID + 1, GID), `{ name: "grp0", attach: true, medium: "ethernet" }`)).toBe(
      `${UID + 1} grp0 ${index} 0`,
    );
  });

  test("to a device of several queues", () => {
    const index = Number(linkOf(namespace, "many0")?.["ifindex"]);
    expect(attachAs(asUser(UID), `{ name: "many0", attach: true, multiQueue: true, offload: true }`)).toBe(
      `${UID} many0 ${index} 0`,
    );
  });

  test("somebody else's, and one that is not there, are refused", () => {
    expect(attachAs(asUser(UID), `{ name: "root0", attach: true }`)).toStartWith("E_DEVICE_DENIED");
    expect(attachAs(asUser(UID + 1), `{ name: "own0", attach: true }`)).toStartWith("E_DEVICE_DENIED");
    expect(attachAs(asUser(UID), `{ name: "none0", attach: true }`)).toStartWith("E_DEVICE_GONE");
    expect(attachAs([], `{ name: "none0", attach: true }`)).toStartWith(
      'E_DEVICE_GONE attaching to "none0": expected an interface, found none',
    );
    expect(linkOf(namespace, "none0")).toBeUndefined();
  });

  test.each<[DeviceOptions, string]>([
    [{}, 'attach: expected the name of an interface, found ""'],
    [{ name: "own%d" }, 'attach: expected the name of an interface, found "own%d"'],
    [{ name: "own0", mtuBytes: 1500 }, "attach: expected nothing that changes the interface, found mtuBytes"],
    [{ name: "own0", addresses: [] }, "found addresses"],
    [{ name: "own0", up: true }, "found up"],
    [{ name: "own0", persistent: true }, "found persistent"],
  ])("refuses what would change the interface: %j", (options, message) => {
    expect(() => namespace.run(() => openLinuxTun({ ...options, attach: true }))).toThrow(message);
  });

  test("without attach the owner needs no privilege either, as long as the interface is as the options ask", () => {
    const index = Number(linkOf(namespace, "own0")?.["ifindex"]);
    const same = `{ name: "own0", mtuBytes: 1380, addresses: ["192.0.2.1/24"] }`;
    expect(attachAs(asUser(UID), same)).toBe(`${UID} own0 ${index} 0`);
    expect(attachAs(asUser(UID), `{ name: "own0", mtuBytes: 1400 }`)).toStartWith("E_DEVICE_DENIED");
  });
});
