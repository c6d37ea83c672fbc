// needs root: makes TUN interfaces and namespaces
// What happens to a device while packets flow through its pump, with either back end.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Wake } from "@bunnel/device";
import { NetworkNamespace, openTunQueue } from "../../src/index.ts";
import { quietDevice } from "../rows/witness.ts";
import { PacketSocket } from "../sys.ts";
import { runInside } from "../witness.ts";
import { BACKENDS } from "./backends.ts";
import { Traffic } from "./traffic.ts";

setDefaultTimeout(60_000);

const ROUNDS = 20;
const BATCH = 200;
/** So that what is sent before it is read is not dropped. */
const ROOM = { txQueueLength: 20_000 };

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

describe.each(BACKENDS)("pump %s, while packets flow", (backend) => {
  test("queues are detached and attached: a packet is lost in a queue that is detached, nowhere else", async () => {
    using first = quietDevice(namespace, { ...ROOM, multiQueue: true });
    using second = openTunQueue(first);
    using socket = namespace.run(() => new PacketSocket(first.index));
    const traffic = new Traffic(3 * ROUNDS * BATCH);
    const readers = [traffic.read(first, backend), traffic.read(second, backend)];
    await Promise.all(readers.map(({ reading }) => reading));
    for (let round = 0; round < ROUNDS; round++) {
      traffic.send(socket, BATCH);
      second.set({ queue: "detached" });
      const alone = traffic.send(socket, BATCH);
      second.set({ queue: "attached" });
      await traffic.arrived([...alone, ...traffic.send(socket, BATCH)]);
    }
    first.wake();
    second.wake();
    const ends = await Promise.all(readers.map(({ ended }) => ended));
    for (const { end } of readers) end();
    expect(ends.map(({ why }) => why)).toEqual([Wake.Woken, Wake.Woken]);
    expect(Math.min(...ends.map(({ read }) => read))).toBeGreaterThan(0);
    expect(traffic.most).toBe(1);
  });

  test("a queue comes and another one goes: what is sent then arrives by those that are there", async () => {
    using first = quietDevice(namespace, { ...ROOM, multiQueue: true });
    using socket = namespace.run(() => new PacketSocket(first.index));
    const traffic = new Traffic(2 * ROUNDS * BATCH);
    const stays = traffic.read(first, backend);
    await stays.reading;
    for (let round = 0; round < 4; round++) {
      const other = openTunQueue(first);
      const guest = traffic.read(other, backend);
      await guest.reading;
      await traffic.arrived(traffic.send(socket, BATCH));
      other.wake();
      expect((await guest.ended).read).toBeGreaterThan(0);
      other.close();
      guest.end();
      await traffic.arrived(traffic.send(socket, BATCH));
    }
    first.wake();
    expect(await stays.ended).toMatchObject({ why: Wake.Woken });
    stays.end();
    expect(traffic.most).toBe(1);
  });

  test.each([true, false])("the interface is deleted, packets under way: %p", async (isBusy) => {
    using device = quietDevice(namespace, ROOM);
    using socket = namespace.run(() => new PacketSocket(device.index));
    const traffic = new Traffic(ROUNDS * BATCH);
    const reader = traffic.read(device, backend);
    await reader.reading;
    await traffic.arrived(traffic.send(socket, BATCH));
    if (isBusy) traffic.send(socket, 5 * BATCH);
    runInside(namespace, "ip", "link", "del", device.name);
    const { why } = await reader.ended;
    reader.end();
    expect([Wake.Closed, "E_DEVICE_GONE"]).toContain(why);
  });

  test.each([true, false])("the device is closed under its reader, packets under way: %p", async (isBusy) => {
    const device = quietDevice(namespace, ROOM);
    using socket = namespace.run(() => new PacketSocket(device.index));
    const traffic = new Traffic(ROUNDS * BATCH);
    const reader = traffic.read(device, backend);
    await reader.reading;
    await traffic.arrived(traffic.send(socket, BATCH));
    if (isBusy) traffic.send(socket, 5 * BATCH);
    device.close();
    const { why } = await reader.ended;
    reader.end();
    expect([Wake.Woken, Wake.Closed, "E_DEVICE_GONE"]).toContain(why);
  });

  test("the interface is renamed: every packet arrives, and the device has the new name", async () => {
    using device = quietDevice(namespace, { ...ROOM, name: "before0" });
    using socket = namespace.run(() => new PacketSocket(device.index));
    const traffic = new Traffic(ROUNDS * BATCH);
    const reader = traffic.read(device, backend);
    await reader.reading;
    const sent = [...traffic.send(socket, BATCH)];
    runInside(namespace, "ip", "link", "set", "before0", "name", "after0");
    sent.push(...traffic.send(socket, BATCH));
    await traffic.arrived(sent);
    device.wake();
    expect(await reader.ended).toEqual({ why: Wake.Woken, read: 2 * BATCH, name: "after0" });
    reader.end();
    expect(traffic.most).toBe(1);
  });

  test("the MTU grows and shrinks: larger packets arrive whole, and smaller ones as before", async () => {
    using device = quietDevice(namespace, { ...ROOM, mtuBytes: 1500 });
    using socket = namespace.run(() => new PacketSocket(device.index));
    const traffic = new Traffic(ROUNDS * BATCH);
    const reader = traffic.read(device, backend);
    await reader.reading;
    const small = [...traffic.send(socket, BATCH, 1500)];
    runInside(namespace, "ip", "link", "set", device.name, "mtu", "9000");
    const large = traffic.send(socket, BATCH, 9000);
    await traffic.arrived([...small, ...large]);
    runInside(namespace, "ip", "link", "set", device.name, "mtu", "576");
    expect(() => traffic.send(socket, 1, 577)).toThrow("EMSGSIZE");
    const last = traffic.send(socket, BATCH, 576);
    await traffic.arrived(last);
    device.wake();
    await reader.ended;
    reader.end();
    expect(traffic.most).toBe(1);
    expect(new Set(large.map((number) => traffic.octetsOf(number)))).toEqual(new Set([9000]));
    expect(new Set(small.map((number) => traffic.octetsOf(number)))).toEqual(new Set([1500]));
    expect(new Set(last.map((number) => traffic.octetsOf(number)))).toEqual(new Set([576]));
  });
});
