// The backend's own timer: flows that ended are freed every 30 seconds, also while new ones pour in.
import { afterEach, describe, expect, setSystemTime, spyOn, test } from "bun:test";
import { startInlineLane, TunBackend, type TunPlatform } from "../src/index.ts";
import { MemoryDevice } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import { parseProfile } from "@bunnel/profile";
import { tcpPacket } from "@bunnel/wire";

const EVERY_MS = 30_000;
const IDLE_SECONDS = 120;
const profile = parseProfile(`[limits]\nflow_timeout_seconds = ${IDLE_SECONDS}\n`);

afterEach(() => setSystemTime());

function platformOver(device: MemoryDevice): TunPlatform {
  return {
    name: "memory",
    unsupported: () => undefined,
    openDevice: () => device,
    openEgress: () => new MemoryEgress(),
    intercept: () => ({ method: "nft", uplinks: [], close() {}, [Symbol.dispose]() {} }),
    sweep: () => ({ removed: [] }),
    uplinks: () => ({ names: [], mtuBytes: 1500 }),
    startLane: startInlineLane,
  };
}

function syn(i: number): Uint8Array {
  const source = `198.51.100.${i & 0xff}`;
  return tcpPacket({ source, destination: "192.0.2.1", sourcePort: 1024 + (i >> 8), destinationPort: 443, flags: "S" });
}

describe("TunBackend", () => {
  test("frees every 30 s the flows that were not seen for two minutes, and no others", async () => {
    const timers = spyOn(globalThis, "setInterval");
    const device = MemoryDevice.open({ name: "memory0" });
    const handle = await new TunBackend(platformOver(device)).start({ engine: { profile } });
    try {
      const [cleanUp] = timers.mock.calls.find(([, everyMs]) => everyMs === EVERY_MS) ?? [];
      if (typeof cleanUp !== "function") throw new Error("no timer of 30 s was set");
      const startMs = Date.now();
      let injected = 0;
      const arrive = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) device.inject(syn(injected++));
        for (let tries = 0; tries < 5000 && handle.stats.packetsIn < injected; tries++) await Bun.sleep(1);
        expect(handle.stats.packetsIn).toBe(injected);
      };
      const each = 100;
      // A hundred new flows in each half minute: after two minutes as many end as begin.
      for (let round = 0; round <= 8; round++) {
        setSystemTime(startMs + round * EVERY_MS);
        await arrive(each);
        cleanUp();
        const { flows, flowsExpired } = handle.stats;
        const ended = Math.max(0, round - 3);
        expect({ round, flows, flowsExpired }).toEqual({
          round,
          flows: (round + 1 - ended) * each,
          flowsExpired: ended * each,
        });
      }
    } finally {
      timers.mockRestore();
      await handle.shutdown();
    }
  });
});
