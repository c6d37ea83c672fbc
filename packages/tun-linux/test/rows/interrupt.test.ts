// needs root
// Ending a wait from elsewhere, and not ending it by accident. tun-rs: recv_intr, recv_intr_timeout, send_intr,
// wait_readable_intr, wait_writable_intr, InterruptEvent (new, trigger, trigger_value, is_trigger, value, reset),
// shutdown.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { Wake } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { Interrupt, NetworkNamespace, openLinuxDescriptor, type LinuxTun } from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { isPoll, signalThread, socketPair } from "./sys.ts";
import type { WaitAnswer, WaitOrder } from "./wait-worker.ts";
import { quietDevice } from "./witness.ts";

const SIGNALS = 100;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

/** Another thread's wait: `blocked` when it is about to block, `ended` with what it found. */
function waitElsewhere(device: LinuxTun, timeoutMs: number, interrupt?: Interrupt) {
  const worker = new Worker(new URL("./wait-worker.ts", import.meta.url));
  const blocked = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<WaitAnswer>();
  worker.onmessage = ({ data }: MessageEvent<WaitAnswer>) => {
    if (data === "waiting") blocked.resolve();
    else ended.resolve(data);
  };
  worker.onerror = (event) => ended.reject(new Error(event.message));
  const order: WaitOrder = {
    device: device.handOver(),
    timeoutMs,
    ...(interrupt ? { interrupt: interrupt.handOver() } : {}),
  };
  worker.postMessage(order);
  return { blocked: blocked.promise, ended: ended.promise, end: () => worker.terminate() };
}

/** Threads of this process that sleep in poll(2) for a device: the first word is the number of the call. */
function polling(): number[] {
  const tasks = "/proc/self/task";
  return readdirSync(tasks)
    .filter((thread) => isPoll(readFileSync(`${tasks}/${thread}/syscall`, "utf8").split(" ")[0] ?? ""))
    .map(Number);
}

describe("Interrupt", () => {
  test("ends the waits of several devices in several threads at once, with a number that says why", async () => {
    using first = quietDevice(namespace);
    using second = quietDevice(namespace, { medium: "ethernet" });
    using interrupt = Interrupt.create();
    const waits = [waitElsewhere(first, -1, interrupt), waitElsewhere(second, -1, interrupt)];
    await Promise.all(waits.map(({ blocked }) => blocked));
    interrupt.trigger(42);
    interrupt.trigger(43);
    const answer = { wake: Wake.Woken, why: 42, lengths: [] };
    expect(await Promise.all(waits.map(({ ended }) => ended))).toEqual([answer, answer]);
    for (const { end } of waits) end();
  });

  test("stays on until reset(), and loses no packet", () => {
    using device = quietDevice(namespace);
    using socket = namespace.run(() => new PacketSocket(device.index));
    using interrupt = Interrupt.create();
    expect([interrupt.triggered, interrupt.value]).toEqual([false, 0]);
    interrupt.trigger();
    expect([interrupt.triggered, interrupt.value]).toEqual([true, 1]);
    expect(device.wait(-1, interrupt)).toBe(Wake.Woken);
    expect(device.wait(-1, interrupt)).toBe(Wake.Woken);
    expect(device.wait(0)).toBe(Wake.Timeout);
    interrupt.reset();
    expect([interrupt.triggered, interrupt.value]).toEqual([false, 0]);
    expect(device.wait(1, interrupt)).toBe(Wake.Timeout);
    socket.send(conformancePacket(60, 1));
    expect(device.wait(-1, interrupt)).toBe(Wake.Readable);
  });

  test("ends a wait for room, too; so do room, wake() and the time", () => {
    using pair = socketPair();
    using device = openLinuxDescriptor(pair.here, { ownership: "borrowed" });
    using interrupt = Interrupt.create();
    expect(device.waitWritable(-1, interrupt)).toBe(Wake.Writable);
    let written = 0;
    while (device.writev([conformancePacket(1000, 1)])) written++;
    expect(written).toBeGreaterThan(0);
    expect(device.waitWritable(1, interrupt)).toBe(Wake.Timeout);
    interrupt.trigger(7);
    expect(device.waitWritable(-1, interrupt)).toBe(Wake.Woken);
    interrupt.reset();
    device.wake();
    expect(device.waitWritable(-1, interrupt)).toBe(Wake.Woken);
    for (let i = 0; i < written; i++) pair.receive();
    expect(device.waitWritable(-1, interrupt)).toBe(Wake.Writable);
    expect(device.wait(0, interrupt)).toBe(Wake.Timeout);
    device.close();
    expect(device.waitWritable(-1)).toBe(Wake.Closed);
  });

  test("refuses 0, and is harmless when it is closed", () => {
    using device = quietDevice(namespace);
    const interrupt = Interrupt.create();
    expect(() => interrupt.trigger(0)).toThrow("expected a whole number but 0, found 0");
    interrupt.close();
    interrupt.close();
    interrupt.trigger(7);
    interrupt.reset();
    expect(device.wait(0, interrupt)).toBe(Wake.Timeout);
  });

  test("that is closed is closed for whoever it was handed to: the next one of its number is left alone", () => {
    using device = quietDevice(namespace);
    const first = Interrupt.create();
    const lent = Interrupt.openTransferred(first.handOver());
    const { eventFd } = first;
    first.close();
    using next = Interrupt.create();
    expect([next.eventFd, lent.eventFd]).toEqual([eventFd, -1]);
    lent.trigger(7);
    expect(device.wait(0, next)).toBe(Wake.Timeout);
    next.trigger();
    lent.reset();
    expect(device.wait(-1, next)).toBe(Wake.Woken);
  });
});

describe("a signal", () => {
  test("does not end a wait: it goes on, and finds the packet", async () => {
    using device = quietDevice(namespace);
    using socket = namespace.run(() => new PacketSocket(device.index));
    let seen = 0;
    const count = () => void seen++;
    process.on("SIGUSR2", count);
    const before = new Set(polling());
    const waiting = waitElsewhere(device, -1);
    await waiting.blocked;
    let threads: number[] = [];
    while (threads.length === 0) {
      await Bun.sleep(1);
      threads = polling().filter((thread) => !before.has(thread));
    }
    for (let i = 0; i < SIGNALS / 4; i++) {
      for (const thread of threads) signalThread(thread, constants.signals.SIGUSR2);
      await Bun.sleep(1);
    }
    expect(seen).toBeGreaterThan(0);
    socket.send(conformancePacket(77, 1));
    expect(await waiting.ended).toEqual({ wake: Wake.Readable, why: 0, lengths: [77] });
    process.off("SIGUSR2", count);
    waiting.end();
  });

  test("does not shorten a wait with a limit, and does not lengthen it for ever", async () => {
    using device = quietDevice(namespace);
    const ignore = () => {};
    process.on("SIGUSR2", ignore);
    const before = new Set(polling());
    const waiting = waitElsewhere(device, 2000);
    await waiting.blocked;
    let isOver = false;
    const ended = waiting.ended.then((answer) => {
      isOver = true;
      return answer;
    });
    let signals = 0;
    while (!isOver && signals < SIGNALS) {
      for (const thread of polling().filter((each) => !before.has(each))) {
        signalThread(thread, constants.signals.SIGUSR2);
        signals++;
      }
      await Bun.sleep(2);
      if (signals < 10) expect(isOver).toBe(false);
    }
    expect(await ended).toEqual({ wake: Wake.Timeout, why: 0, lengths: [] });
    process.off("SIGUSR2", ignore);
    waiting.end();
  });
});
