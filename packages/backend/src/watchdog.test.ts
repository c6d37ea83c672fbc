import { beforeEach, describe, expect, test } from "bun:test";
import { MemoryDevice } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import { Engine, laneTurns } from "@bunnel/engine";
import { defaultProfile } from "@bunnel/profile";
import { startInlineLane } from "./inline-lane.ts";
import type { LaneParts, LaneThread, TunPlatform } from "./platform.ts";
import { TunBackend } from "./tun-backend.ts";
import { Watchdog } from "./watchdog.ts";

const EVERY_MS = 5;

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

describe("Watchdog", () => {
  let memory: SharedArrayBuffer;
  let looks: number;
  let causes: string[];
  const options = {
    hung: (error: Error) => void causes.push(error.message),
    alive: () => void looks++,
    everyMs: EVERY_MS,
  };

  beforeEach(async () => {
    ({ memory } = await Engine.create({ warm: false }));
    looks = 0;
    causes = [];
  });

  test("is content while every lane turns, and says so", async () => {
    const timer = setInterval(() => [0, 2].forEach((lane) => Atomics.add(laneTurns(memory, lane), 0, 1)), 1);
    using _dog = new Watchdog(memory, [0, 2], options);
    await until(() => looks > 10);
    clearInterval(timer);
    expect(causes).toEqual([]);
  });

  test("names the lane that stands still, once", async () => {
    const timer = setInterval(() => Atomics.add(laneTurns(memory, 0), 0, 1), 1);
    using _dog = new Watchdog(memory, [0, 2], options);
    await until(() => causes.length > 0);
    await Bun.sleep(EVERY_MS * 10);
    clearInterval(timer);
    expect(causes).toEqual(["lane 2 hangs: expected a turn each second, found none"]);
  });

  test("is silent once it is disposed", async () => {
    const dog = new Watchdog(memory, [0], options);
    dog[Symbol.dispose]();
    await Bun.sleep(EVERY_MS * 10);
    expect([looks, causes.length]).toEqual([0, 0]);
  });
});

test("a backend whose lane hangs ends by itself and does not wait for the lane", async () => {
  const device = MemoryDevice.open();
  let released = false;
  /** Reads at first, and is then never heard of again. */
  const hanging = (parts: LaneParts): LaneThread => {
    const thread = startInlineLane(parts);
    void thread.ready.then(() => thread.dispose());
    return { ready: thread.ready, ended: new Promise(() => undefined), dispose: () => undefined };
  };
  const close = (): void => void (released = true);
  const platform: TunPlatform = {
    name: "memory",
    unsupported: () => undefined,
    openDevice: () => device,
    openEgress: () => new MemoryEgress(),
    intercept: () => ({ method: "nft", uplinks: ["up0"], close, [Symbol.dispose]: close }),
    sweep: () => ({ removed: [] }),
    uplinks: () => ({ names: ["up0"], mtuBytes: 1500 }),
    startLane: hanging,
  };
  const backend = new TunBackend(platform);
  const handle = await backend.start({ engine: { profile: defaultProfile() } });
  expect((await handle.closed)?.message).toStartWith("lane 0 hangs");
  expect(released).toBe(true);
  expect(backend.isRunning).toBe(false);
  expect(() => device.read({ at: new Uint32Array(1), lengths: new Uint16Array(1) }, 0, 1500)).toThrow(
    expect.objectContaining({ code: "E_DEVICE_GONE" }),
  );
}, 20_000);

test("the device follows the MTU of the uplinks, unless one was set", async () => {
  let uplinkMtu = 1500;
  const seen: number[] = [];
  const changes: (() => void)[] = [];
  const platform: TunPlatform = {
    name: "memory",
    unsupported: () => undefined,
    openDevice: () => MemoryDevice.open(),
    openEgress: () => new MemoryEgress(),
    setMtu: (_, mtuBytes) => void seen.push(mtuBytes),
    intercept: (_, { changed }) => {
      if (changed) changes.push(changed);
      return { method: "nft", uplinks: ["up0"], close: () => undefined, [Symbol.dispose]: () => undefined };
    },
    sweep: () => ({ removed: [] }),
    uplinks: () => ({ names: ["up0"], mtuBytes: uplinkMtu }),
    startLane: (parts) => startInlineLane(parts),
  };
  const change = (mtuBytes: number): void => {
    uplinkMtu = mtuBytes;
    changes.at(-1)?.();
  };
  const backend = new TunBackend(platform);
  await backend.start({ engine: { profile: defaultProfile() } });
  for (const mtuBytes of [1400, 1400, 1500]) change(mtuBytes);
  await backend.stop();
  expect(seen).toEqual([1400, 1500]);
  await backend.start({ engine: { profile: defaultProfile() }, settings: { mtu: 1300 } });
  change(1400);
  await backend.stop();
  expect(seen).toEqual([1400, 1500]);
});
