// needs root
// receive() of both back ends over a real device, asleep in poll(2) and in read(2): a thread of its own receives, and
// /proc tells in which call it sleeps.
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Wake } from "@bunnel/device";
import { conformancePacket } from "@bunnel/device/conformance";
import { BACKENDS } from "../../test/pump/backends.ts";
import { pumpMemory } from "../../test/pump/memory.ts";
import {
  HEAP_FROM,
  PACKET_AT,
  ReceiveWord,
  type ReceiveEnd,
  type ReceiveOrder,
} from "../../test/pump/receive-worker.ts";
import { isPoll, isRead, signalThread } from "../../test/rows/sys.ts";
import { PacketSocket } from "../../test/sys.ts";
import { runInside } from "../../test/witness.ts";
import type { LinuxTun } from "../device.ts";
import { openLinuxDescriptor } from "../descriptor.ts";
import { NetworkNamespace } from "../namespace.ts";
import { openLinuxTun } from "../open.ts";
import { openPump } from "./open.ts";
import type { PumpBackend, PumpSleep } from "./pump.ts";
import { eventOf, portOf } from "./pumped-tun.ts";

const PATIENCE_MS = 30_000;
/** More in a row than must come alone before the thread sleeps in read(2). */
const LONE = 10;
/** A cell of JavaScriptCore's heap. */
const OBJECT_MIN_BYTES = 16;
const NON_BLOCKING = 0o4000;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

/** A device without any address, and a thread that receives from it. */
class Receiver implements Disposable {
  readonly device: LinuxTun;
  readonly socket: PacketSocket;
  readonly ended: Promise<ReceiveEnd>;
  readonly #words: Int32Array;
  readonly #last: Uint8Array;
  readonly #worker = new Worker(new URL("../../test/pump/receive-worker.ts", import.meta.url));

  constructor(backend: PumpBackend, sleep: PumpSleep, busyPollUs = 0) {
    this.device = namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none", txQueueLength: 20_000 }));
    this.socket = namespace.run(() => new PacketSocket(this.device.index));
    const shared = new SharedArrayBuffer(PACKET_AT + 2048);
    this.#words = new Int32Array(shared, 0, ReceiveWord.Count);
    this.#last = new Uint8Array(shared, PACKET_AT);
    const { promise, resolve, reject } = Promise.withResolvers<ReceiveEnd>();
    this.ended = promise;
    this.#worker.onmessage = ({ data }: MessageEvent<ReceiveEnd>) => resolve(data);
    this.#worker.onerror = ({ message }) => reject(new Error(message));
    const order = { handOver: this.device.handOver(), backend, sleep, busyPollUs, shared };
    this.#worker.postMessage(order satisfies ReceiveOrder);
    this.until(ReceiveWord.Thread, 1);
  }

  get thread(): number {
    return Atomics.load(this.#words, ReceiveWord.Thread);
  }

  word(word: ReceiveWord): number {
    return Atomics.load(this.#words, word);
  }

  /** Waits until a word is at least so much. */
  until(word: ReceiveWord, least: number): void {
    for (let found = this.word(word); found < least; found = this.word(word)) {
      const answer = Atomics.wait(this.#words, word, found, PATIENCE_MS);
      if (answer === "timed-out") throw new Error(`${ReceiveWord[word]}: expected ${least}, found ${found} for long`);
    }
  }

  /** Sends packets, each when the one before has come; returns those that came. */
  alone(packets: readonly Uint8Array[]): Uint8Array[] {
    return packets.map((packet) => {
      const before = this.word(ReceiveWord.Packets);
      this.socket.send(packet);
      this.until(ReceiveWord.Packets, before + 1);
      return this.#last.slice(0, this.word(ReceiveWord.Length));
    });
  }

  /** Waits until it sleeps in such a call; meanwhile `feed` may bring it packets. */
  async asleepIn(isCall: (number: string) => boolean, feed: () => void = () => {}): Promise<void> {
    const path = `/proc/self/task/${this.thread}/syscall`;
    const end = performance.now() + PATIENCE_MS;
    while (!isCall(readFileSync(path, "utf8").split(" ")[0] ?? "")) {
      if (performance.now() > end) throw new Error(`asleep: found ${readFileSync(path, "utf8")} for long`);
      feed();
      await Bun.sleep(1);
    }
  }

  /** Lone packets, until it sleeps in such a call; returns how many. */
  async settle(isCall: (number: string) => boolean): Promise<number> {
    let sent = 0;
    await this.asleepIn(isCall, () => {
      this.alone([conformancePacket(60, sent)]);
      sent++;
    });
    return sent;
  }

  /** How often its thread went to sleep (Documentation/filesystems/proc.rst, voluntary_ctxt_switches). */
  get timesAsleep(): number {
    const status = readFileSync(`/proc/self/task/${this.thread}/status`, "utf8");
    return Number(/^voluntary_ctxt_switches:\s*(\d+)/mu.exec(status)?.[1]);
  }

  /** Whether the kernel has the descriptor as non-blocking (/proc/self/fdinfo). */
  get isNonBlocking(): boolean {
    const flags = /^flags:\s*(\d+)/mu.exec(readFileSync(`/proc/self/fdinfo/${this.device.fd}`, "utf8"))?.[1] ?? "";
    return (Number.parseInt(flags, 8) & NON_BLOCKING) !== 0;
  }

  stop(): Promise<ReceiveEnd> {
    Atomics.store(this.#words, ReceiveWord.Stop, 1);
    this.device.wake();
    return this.ended;
  }

  [Symbol.dispose](): void {
    this.device.close();
    this.#worker.terminate();
    this.socket[Symbol.dispose]();
  }
}

/** Whether this process has a handler for a signal, by what the kernel says. */
function catches(signal: number): boolean {
  const caught = /^SigCgt:\s*(\w+)/mu.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

const packetsOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => conformancePacket(60 + (i % 7) * 100, i));

const SLEEPS = [
  ["poll", 0],
  ["read", 0],
  ["poll", 300],
] as const;
const MATRIX = BACKENDS.flatMap((backend) => SLEEPS.map((sleep) => [backend, ...sleep] as const));

describe.each(MATRIX)("receive(), %s, asleep in %s, behind %i us of looking", (backend, sleep, busyPollUs) => {
  const isAsleep = sleep === "read" ? isRead : isPoll;

  test("brings lone packets whole and in order, then a burst, then lone ones again; wake() ends it", async () => {
    using receiver = new Receiver(backend, sleep, busyPollUs);
    const packets = packetsOf(3 * LONE);
    let sent = await receiver.settle(isAsleep);
    expect(receiver.alone(packets)).toEqual(packets);
    sent += await receiver.settle(isAsleep);
    for (const packet of packetsOf(500)) receiver.socket.send(packet);
    receiver.until(ReceiveWord.Packets, sent + packets.length + 500);
    sent += await receiver.settle(isAsleep);
    expect(receiver.alone(packets)).toEqual(packets);
    const { why, counted, ...end } = await receiver.stop();
    const expected = [sleep, Wake.Woken, sent + 2 * packets.length + 500, true];
    expect([end.sleep, why, counted, receiver.isNonBlocking]).toEqual(expected);
  });

  test("no wake-up is lost, whenever it comes, and no packet beside it", async () => {
    using receiver = new Receiver(backend, sleep, busyPollUs);
    let sent = 0;
    for (let wakes = 0; wakes < 300; wakes++) {
      if (wakes % 3 === 0) sent += await receiver.settle(isAsleep);
      // Right behind a packet, the thread is on its way to sleep.
      for (let i = 0; i < wakes % 5; i++, sent++) receiver.alone([conformancePacket(60, sent)]);
      if (wakes % 2 === 0) {
        receiver.socket.send(conformancePacket(60, sent));
        sent++;
      }
      receiver.device.wake();
      receiver.until(ReceiveWord.Woken, wakes + 1);
    }
    receiver.until(ReceiveWord.Packets, sent);
    expect((await receiver.stop()).counted).toBe(sent);
  });

  test("ends when the interface is deleted, or the device is closed, under it", async () => {
    using deleted = new Receiver(backend, sleep, busyPollUs);
    await deleted.settle(isAsleep);
    runInside(namespace, "ip", "link", "del", deleted.device.name);
    expect((await deleted.ended).why).toBe(Wake.Closed);

    using closed = new Receiver(backend, sleep, busyPollUs);
    await closed.settle(isAsleep);
    const { name } = closed.device;
    const ended = closed.stop();
    closed.device.close();
    await ended;
    expect(runInside(namespace, "ip", "-br", "link")).not.toContain(name);
  });

  test("a signal does not end it: it goes on, and finds the packet", async () => {
    using receiver = new Receiver(backend, sleep, busyPollUs);
    const ignore = () => {};
    process.on("SIGUSR2", ignore);
    while (!catches(constants.signals.SIGUSR2)) await Bun.sleep(1);
    let sent = 0;
    for (let round = 0; round < 20; round++) {
      sent += await receiver.settle(isAsleep);
      signalThread(receiver.thread, constants.signals.SIGUSR2);
      const packet = conformancePacket(60 + round, round);
      expect(receiver.alone([packet])).toEqual([packet]);
      sent++;
    }
    process.off("SIGUSR2", ignore);
    expect(receiver.word(ReceiveWord.Woken)).toBe(0);
    expect((await receiver.stop()).counted).toBe(sent);
  });

  test("allocates nothing: the heap grows by less than the smallest object per packet", async () => {
    using receiver = new Receiver(backend, sleep, busyPollUs);
    const packet = conformancePacket(60, 1);
    for (let i = 0; i < 2 * HEAP_FROM; i++) receiver.alone([packet]);
    expect((await receiver.stop()).grownBytes).toBeLessThan(HEAP_FROM * OBJECT_MIN_BYTES);
  });
});

describe("busyPollUs", () => {
  test.each(BACKENDS)("over %s: packets that come soon one behind the other find the thread awake", async (backend) => {
    using receiver = new Receiver(backend, "poll", 10_000);
    await receiver.asleepIn(isPoll);
    const before = receiver.timesAsleep;
    for (const packet of packetsOf(1000)) receiver.alone([packet]);
    expect(receiver.timesAsleep - before).toBeLessThan(500);
    // In silence it sleeps.
    await receiver.asleepIn(isPoll);
    await receiver.stop();
  });

  test("is a number of microseconds, and nothing beside a sleep in read(2)", () => {
    const open = (busyPollUs: number, sleep: PumpSleep) =>
      openPump({ memory: pumpMemory(0).memory, ports: [], eventFd: -1, backend: "plain", sleep, busyPollUs });
    for (const wrong of [-1, 0.5, 10_001, Number.NaN]) {
      expect(() => open(wrong, "poll")).toThrow(`busyPollUs: expected a whole number, 0 to 10000, found ${wrong}`);
    }
    expect(() => open(1, "read")).toThrow('busyPollUs with sleep "read": expected a whole number, 0 to 0, found 1');
  });

  test("a wait with a limit ends at it", () => {
    using device = namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none" }));
    const { memory, list: listOf } = pumpMemory(1);
    const list = listOf(1);
    const ports = [portOf(device)];
    using pump = openPump({ memory, ports, eventFd: eventOf(device), backend: "plain", busyPollUs: 10_000 });
    using socket = namespace.run(() => new PacketSocket(device.index));
    for (const timeoutMs of [0, 1, 30]) {
      socket.send(conformancePacket(60, timeoutMs));
      expect(pump.receive(0, list, 0, 1500, -1)).toBe(1);
      expect([pump.receive(0, list, 0, 1500, timeoutMs), pump.woken]).toEqual([0, Wake.Timeout]);
    }
  });
});

describe("a sleep in read(2)", () => {
  test("is given up while writes could sleep, too, and taken up again", async () => {
    using receiver = new Receiver("plain", "read");
    await receiver.settle(isRead);
    receiver.device.set({ sendBufferBytes: 4096 });
    for (const packet of packetsOf(3 * LONE)) {
      await receiver.asleepIn(isPoll);
      receiver.alone([packet]);
    }
    await receiver.asleepIn(isPoll);
    receiver.device.set({ sendBufferBytes: 0x7fff_ffff });
    await receiver.settle(isRead);
    await receiver.stop();
  });

  test("ends when the device's descriptor is given away, which is then non-blocking", async () => {
    using receiver = new Receiver("plain", "read");
    await receiver.settle(isRead);
    expect(receiver.isNonBlocking).toBe(false);
    const ended = receiver.stop();
    const fd = receiver.device.release();
    await ended;
    expect(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")).toMatch(/^flags:\s*\d*4\d{3}$/mu);
    using again = namespace.run(() => openLinuxDescriptor(fd, { ownership: "owned" }));
    expect(again.wait(0)).toBe(Wake.Timeout);
  });

  test("needs one port that is a device's, and a signal; without the signal it is one in poll(2)", () => {
    using device = namespace.run(() => openLinuxTun({ up: false }));
    const { memory } = pumpMemory(0);
    const port = portOf(device);
    const open = (ports: Parameters<typeof openPump>[0]["ports"]) =>
      openPump({ memory, ports, eventFd: eventOf(device), backend: "plain", sleep: "read" });
    expect(() => open([port, port])).toThrow("expected one polled port, that of a device, found 2 polled");
    expect(() => open([{ name: "any", fd: port.fd, headerBytes: 0 }])).toThrow("that of a device");
    using pump = open([port, portOf(device, false)]);
    expect(pump.sleep).toBe("read");
    const script = join(import.meta.dir, "../../test/pump/without-signals.ts");
    const { stdout, stderr } = Bun.spawnSync([process.execPath, script]);
    expect([stderr.toString(), stdout.toString()]).toEqual(["", "poll 1n\n"]);
  });
});
