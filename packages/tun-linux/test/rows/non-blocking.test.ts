// needs root
// Calls that come back at once, and calls that wait. tun-rs: set_nonblocking, is_nonblocking, try_recv, try_send, recv.
// tappers: set_nonblocking, nonblocking.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { PacketPort } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { NetworkNamespace } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { quietDevice } from "./witness.ts";

const O_NONBLOCK = 0o4000;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe("a device", () => {
  test("is non-blocking for the system; whoever wants to block, waits", () => {
    using device = quietDevice(namespace);
    using socket = namespace.run(() => new PacketSocket(device.index));
    const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${device.fd}`, "utf8"))?.[1] ?? "0";
    expect(Number.parseInt(flags, 8) & O_NONBLOCK).toBe(O_NONBLOCK);
    const port = new PacketPort(device);
    expect(port.tryRead()).toBeUndefined();
    expect(port.readSync(2)).toBeUndefined();
    socket.send(conformancePacket(60, 1));
    expect(port.readSync()).toEqual(conformancePacket(60, 1));
    expect(port.write(conformancePacket(61, 2))).toBe(true);
    expect(socket.receive()).toEqual(conformancePacket(61, 2));
  });

  test("that waits with a blocked thread is ended by wake(), and a read then gives nothing", () => {
    using device = quietDevice(namespace);
    const port = new PacketPort(device);
    device.wake();
    expect(port.readSync()).toBeUndefined();
    expect(port.readSync(0)).toBeUndefined();
  });
});
