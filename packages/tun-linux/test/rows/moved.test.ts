// needs root
// An interface that is moved to another network namespace while its device is open.
import { describe, expect, test } from "bun:test";
import { Wake, type PacketList } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { NetworkNamespace, openTunQueue, RouteNetlink } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { runInside } from "../witness.ts";
import { linkOf, quietDevice, tunDataOf } from "./witness.ts";

describe("a device whose interface was moved", () => {
  test("goes on, knows its name and state, and gets further queues there", () => {
    using from = NetworkNamespace.create();
    using to = NetworkNamespace.create();
    using device = quietDevice(from, { name: "moves0", multiQueue: true, owner: 54321 });
    {
      using netlink = from.run(() => RouteNetlink.open());
      netlink.setLink(device.index, { namespaceFd: to.fd });
    }
    expect(linkOf(from, "moves0")).toBeUndefined();
    runInside(to, "ip", "link", "set", "moves0", "name", "moved0");
    runInside(to, "ip", "link", "set", "moved0", "addrgenmode", "none");
    runInside(to, "ip", "link", "set", "moved0", "up");
    expect(device.name).toBe("moved0");
    expect(device.state()).toMatchObject({ name: "moved0", owner: 54321, queues: 1 });
    using second = openTunQueue(device);
    expect(second.name).toBe("moved0");
    expect(tunDataOf(to, "moved0")).toMatchObject({ numqueues: 2 });
    second.close();
    using socket = to.run(() => new PacketSocket(Number(linkOf(to, "moved0")?.["ifindex"])));
    const memory = new Uint8Array(4096);
    const list: PacketList = { at: Uint32Array.of(128), lengths: new Uint16Array(1) };
    device.attach(memory.buffer);
    socket.send(conformancePacket(60, 1));
    expect(device.wait(1000)).toBe(Wake.Readable);
    expect(device.read(list, 0, 2048)).toBe(1);
    expect(device.write(list, 0, 1)).toBe(1);
    expect(socket.receive()).toEqual(conformancePacket(60, 1));
  });

  test("goes on without the namespace in which it was opened", () => {
    const from = NetworkNamespace.create();
    using to = NetworkNamespace.create();
    using device = quietDevice(from, { name: "moves0" });
    {
      using netlink = from.run(() => RouteNetlink.open());
      netlink.setLink(device.index, { namespaceFd: to.fd });
    }
    from.close();
    expect(device.name).toBe("moves0");
    expect(linkOf(to, "moves0")).toBeDefined();
    device.close();
    expect(linkOf(to, "moves0")).toBeUndefined();
  });
});
