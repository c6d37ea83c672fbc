import { beforeEach, describe, expect, test } from "bun:test";
import { DeviceError, MemoryDevice, Wake, type InterceptionOptions } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import { defaultProfile, parseProfile } from "@bunnel/profile";
import { clientHello, decodePacket, tcpPacket } from "@bunnel/wire";
import { startInlineLane } from "./inline-lane.ts";
import type { InboundParts, TunPlatform } from "./platform.ts";
import { TunBackend } from "./tun-backend.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const hello = tcpPacket({ ...ENDS, flags: "PA", payload: clientHello({ serverName: "video.example.org" }) });
const plain = tcpPacket({ ...ENDS, flags: "PA", payload: new Uint8Array(100) });
const config = { engine: { profile: defaultProfile() } };

let device: MemoryDevice;
let egress: MemoryEgress;
/** What was done, in order. */
let log: string[];
let intercepted: InterceptionOptions[];

function platformOf(changes: Partial<TunPlatform> = {}): TunPlatform {
  return {
    name: "memory",
    unsupported: () => undefined,
    openDevice: () => {
      log.push("device");
      return device;
    },
    openEgress: () => egress,
    intercept: (method, options) => {
      log.push(`intercept ${method}`);
      intercepted.push(options);
      const close = (): void => void log.push(`release ${method}`);
      return { method, uplinks: ["up0"], close, [Symbol.dispose]: close };
    },
    sweep: () => {
      log.push("sweep");
      return { removed: [] };
    },
    uplinks: () => ({ names: ["up0"], mtuBytes: 1400 }),
    startLane: (parts) => {
      log.push("lane");
      return startInlineLane(parts);
    },
    ...changes,
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

beforeEach(() => {
  device = MemoryDevice.open({ name: "memory0" });
  egress = new MemoryEgress();
  log = [];
  intercepted = [];
});

describe("TunBackend", () => {
  test("carries packets: ordinary ones as they came, hellos as the profile says", async () => {
    const backend = new TunBackend(platformOf());
    await using stack = new AsyncDisposableStack();
    const handle = await backend.start(config);
    stack.defer(() => handle.shutdown());
    device.inject(plain);
    device.inject(hello);
    await until(() => handle.stats.packetsIn === 2);
    const [first, ...pieces] = egress.take();
    expect(first).toEqual(plain);
    expect(pieces).toHaveLength(3);
    expect(pieces.map((piece) => decodePacket(piece).seq)).toEqual(
      pieces.map((piece) => decodePacket(piece).seq).toSorted((a, b) => b - a),
    );
    expect(handle.stats).toMatchObject({
      passed: 1,
      replaced: 1,
      pieces: 3,
      egressSent: 4,
      device: "memory0",
      method: "nft",
    });
  });

  test("starts in an order in which somebody reads before a packet comes up, and ends the other way", async () => {
    const backend = new TunBackend(platformOf());
    expect(backend.isRunning).toBe(false);
    const handle = await backend.start(config);
    expect(backend.isRunning).toBe(true);
    expect(log).toEqual(["sweep", "device", "lane", "intercept nft"]);
    await backend.stop();
    expect(log.at(-1)).toBe("release nft");
    expect(await handle.closed).toBeUndefined();
    expect(backend.isRunning).toBe(false);
    expect(() => handle.stats).toThrow(expect.objectContaining({ code: "E_NOT_RUNNING" }));
  });

  test("a failure leaves closed what a kill switch holds, and a plain end does not", async () => {
    const released = platformOf();
    const platform = platformOf({
      intercept: (method, options) => {
        const interception = released.intercept(method, options);
        return { ...interception, release: () => void log.push("left closed") };
      },
    });
    const settings = { killSwitch: true };
    const first = await new TunBackend(platform).start({ ...config, settings });
    expect(log).not.toContain("sweep");
    await first.shutdown(new Error("it failed"));
    expect(log.at(-1)).toBe("left closed");
    device = MemoryDevice.open({ name: "memory0" });
    const second = await new TunBackend(platform).start({ ...config, settings });
    await second.shutdown();
    expect(log.at(-1)).toBe("release nft");
  });

  test("E_ALREADY_RUNNING, E_NOT_RUNNING, E_NOT_SUPPORTED", async () => {
    const backend = new TunBackend(platformOf());
    await expect(backend.stop()).rejects.toMatchObject({ code: "E_NOT_RUNNING" });
    await backend.start(config);
    await expect(backend.start(config)).rejects.toMatchObject({ code: "E_ALREADY_RUNNING" });
    await backend.stop();
    const unsupported = platformOf({ unsupported: () => "no TUN here" });
    expect(TunBackend.isSupported(unsupported)).toBe(false);
    expect(TunBackend.isSupported(platformOf())).toBe(true);
    await expect(new TunBackend(unsupported).start(config)).rejects.toMatchObject({
      code: "E_NOT_SUPPORTED",
      message: "no TUN here",
    });
  });

  test("it can be started again after a stop", async () => {
    const backend = new TunBackend(platformOf());
    await backend.start(config);
    await backend.stop();
    device = MemoryDevice.open();
    egress = new MemoryEgress();
    const handle = await backend.start(config);
    device.inject(plain);
    await until(() => handle.stats.packetsIn === 1);
    await backend.stop();
  });

  test("what fails on the way up is taken down again", async () => {
    const platform = platformOf({
      intercept: () => {
        throw new DeviceError("E_DEVICE_SYSTEM", "no interception today");
      },
    });
    const backend = new TunBackend(platform);
    await expect(backend.start(config)).rejects.toThrow("no interception today");
    await until(() => !backend.isRunning);
    expect(() => device.read({ at: new Uint32Array(1), lengths: new Uint16Array(1) }, 0, 1500)).toThrow(
      expect.objectContaining({ code: "E_DEVICE_GONE" }),
    );
  });

  test('"auto" falls back to rules where nft cannot be had, and only then', async () => {
    const refuse = (code: "E_UNSUPPORTED" | "E_DEVICE_DENIED") => {
      const { intercept } = platformOf();
      return platformOf({
        intercept: (method, options) => {
          if (method === "nft") throw new DeviceError(code, "nft refused");
          return intercept(method, options);
        },
      });
    };
    const backend = new TunBackend(refuse("E_UNSUPPORTED"));
    const handle = await backend.start(config);
    expect(handle.stats.method).toBe("rules");
    await backend.stop();
    device = MemoryDevice.open();
    egress = new MemoryEgress();
    await expect(new TunBackend(refuse("E_DEVICE_DENIED")).start(config)).rejects.toThrow("nft refused");
  });

  test("a lane that fails ends the backend, the interception first, and tells the cause", async () => {
    const backend = new TunBackend(platformOf());
    const handle = await backend.start(config);
    device.close();
    const cause = await handle.closed;
    expect(cause).toMatchObject({ code: "E_DEVICE_GONE" });
    expect(log).toContain("release nft");
    expect(backend.isRunning).toBe(false);
  });

  test("pipeline.load() changes what is done to the next packets, and what comes up only when it must", async () => {
    const backend = new TunBackend(platformOf());
    const handle = await backend.start(config);
    handle.pipeline.load(parseProfile('[[rule]]\nname = "a"\nstrategy = "tls: split(5)  http: split(2)"\n'));
    device.inject(hello);
    await until(() => handle.stats.replaced === 1);
    expect(egress.take().map((piece) => decodePacket(piece).payloadBytes)[0]).toBe(5);
    expect(log.filter((line) => line.startsWith("intercept"))).toHaveLength(1);
    handle.pipeline.load(parseProfile('[[rule]]\nname = "a"\nports = [8443]\nstrategy = "tls: split(5)"\n'));
    expect(intercepted.at(-1)?.select.tls).toEqual([8443]);
    expect(handle.pipeline.profile.rules[0]?.name).toBe("a");
    await backend.stop();
  });

  test("an interception that cannot be put back ends everything else, and is told", async () => {
    const { intercept } = platformOf();
    const platform = platformOf({
      intercept: (method, options) => ({
        ...intercept(method, options),
        close: () => {
          throw new DeviceError("E_DEVICE_DENIED", "rules may not be removed");
        },
      }),
    });
    const handle = await new TunBackend(platform).start(config);
    await expect(handle.shutdown()).rejects.toThrow("rules may not be removed");
    expect(await handle.closed).toMatchObject({ code: "E_DEVICE_DENIED" });
    expect(device.wait(0)).toBe(Wake.Closed);
  });

  test("pipeline.load() takes other settings; what cannot be had leaves everything as it was", async () => {
    const { intercept } = platformOf();
    const platform = platformOf({
      intercept: (method, options) => {
        if (options.uplinks?.includes("gone0")) throw new DeviceError("E_DEVICE_MISSING", "uplink gone0: no such");
        return intercept(method, options);
      },
    });
    const handle = await new TunBackend(platform).start(config);
    const first = handle.pipeline.profile;
    const next = parseProfile('[[rule]]\nname = "a"\nstrategy = "tls: split(5)"\n');
    expect(() => handle.pipeline.load(next, { uplinks: ["gone0"] })).toThrow("uplink gone0");
    expect(handle.pipeline.profile).toBe(first);
    expect(log.slice(-2)).toEqual(["release nft", "intercept nft"]);
    expect(intercepted.at(-1)?.uplinks).toBeUndefined();
    device.inject(hello);
    await until(() => handle.stats.replaced === 1);
    expect(egress.take()).toHaveLength(3);
    handle.pipeline.load(next, { uplinks: ["up1"], excludes: ["203.0.113.0/24"] });
    expect(intercepted.at(-1)).toMatchObject({ uplinks: ["up1"], excludes: ["203.0.113.0/24"] });
    device.inject(hello);
    await until(() => handle.stats.replaced === 2);
    expect(egress.take()).toHaveLength(2);
    await handle.shutdown();
  });

  test("flows() and pipeline.decided tell what which rule of the profile did", async () => {
    const profile = parseProfile(
      ["off", "other", "video"]
        .map((name) => `[[rule]]\nname = "${name}"\nhosts = ["${name}.example.org"]\nstrategy = "tls: split(1)"\n`)
        .join("")
        .replace('name = "off"', 'name = "off"\nenabled = false'),
    );
    const handle = await new TunBackend(platformOf()).start({ engine: { profile } });
    device.inject(hello);
    await until(() => handle.stats.replaced === 1);
    expect(handle.pipeline.decided).toEqual([0, 0, 1]);
    const expected = { rule: 2, planned: 1, source: { port: 40_000 }, destination: { port: 443 } };
    expect(handle.flows()).toMatchObject([expected]);
    handle.pipeline.load(profile);
    expect(handle.pipeline.decided).toEqual([0, 0, 0]);
    await handle.shutdown();
    expect(() => handle.flows()).toThrow(expect.objectContaining({ code: "E_NOT_RUNNING" }));
  });

  test("opens a tap that listens only while a rule needs it, hands it to the lane, and closes it", async () => {
    const tap = Object.assign(MemoryDevice.open({ queueBytes: 64 }), {
      listen: (on: boolean) => void log.push(`listen ${on}`),
    });
    let inbound: InboundParts | undefined;
    const { startLane } = platformOf();
    const backend = new TunBackend(
      platformOf({
        openTap: () => tap,
        startLane: (parts) => {
          ({ inbound } = parts);
          return startLane(parts);
        },
      }),
    );
    const handle = await backend.start(config);
    expect(log).toEqual(["sweep", "device", "listen false", "lane", "intercept nft"]);
    expect(inbound).toEqual({ laneIndex: 1, tap });
    tap.inject(tcpPacket({ ...ENDS, flags: "SA" }));
    await until(() => handle.stats.flows === 1);
    expect(handle.stats).toMatchObject({ packetsIn: 0, egressSent: 0, tapDropped: 0 });
    // It has room for one answer: of two that come at once, the second is lost, and that is told.
    for (let i = 0; i < 2; i++) tap.inject(tcpPacket({ ...ENDS, flags: "SA" }));
    expect(handle.stats.tapDropped).toBe(1);
    for (const [ttl, on] of [
      ["auto-1", true],
      ["3", false],
    ] as const) {
      handle.pipeline.load(parseProfile(`[[rule]]\nname = "a"\nstrategy = "tls: fake(ttl=${ttl})  http: split(2)"\n`));
      expect(log.at(-1)).toBe(`listen ${on}`);
    }
    await backend.stop();
    expect(tap.wait(0)).toBe(Wake.Closed);
  });

  test("refuses rules that need a tap where the platform has none", async () => {
    const profile = parseProfile('[[rule]]\nname = "a"\nstrategy = "tls: fake(ttl=auto-1)"\n');
    const backend = new TunBackend(platformOf());
    const refusal = { code: "E_NOT_SUPPORTED", message: expect.stringContaining("ttl=auto") };
    await expect(backend.start({ engine: { profile } })).rejects.toMatchObject(refusal);
    device = MemoryDevice.open();
    const handle = await backend.start(config);
    expect(() => handle.pipeline.load(profile)).toThrow(expect.objectContaining(refusal));
    expect(handle.pipeline.profile).toBe(config.engine.profile);
    await backend.stop();
  });

  test("closes the tap when something fails behind it", async () => {
    const tap = Object.assign(MemoryDevice.open(), { listen() {} });
    const fail = (): never => {
      throw new DeviceError("E_DEVICE_SYSTEM", "no interception today");
    };
    await expect(new TunBackend(platformOf({ openTap: () => tap, intercept: fail })).start(config)).rejects.toThrow();
    expect(tap.wait(0)).toBe(Wake.Closed);
  });

  test("packets wait for a full way out in order, up to the limit; what finds no room is counted", async () => {
    egress = new MemoryEgress({ packetsMax: 2 });
    const backend = new TunBackend(platformOf());
    const handle = await backend.start({ engine: { profile: parseProfile("[limits]\nmax_queue_size = 3\n") } });
    const numbered = Array.from({ length: 8 }, (_, i) => tcpPacket({ ...ENDS, seq: i, flags: "A" }));
    for (const packet of numbered) device.inject(packet);
    await until(() => handle.stats.queueDropped > 0);
    const first = egress.take();
    await until(() => handle.stats.egressSent === 4);
    const second = egress.take();
    await until(() => handle.stats.egressSent === 5);
    const third = egress.take();
    expect([...first, ...second, ...third]).toEqual(numbered.slice(0, 5));
    expect(handle.stats).toMatchObject({ packetsIn: 8, egressSent: 5, queueDropped: 3 });
    await backend.stop();
  });

  test("packets that the system refuses are counted apart", async () => {
    egress = new MemoryEgress({ refuse: (packet) => (packet.length > 100 ? "EMSGSIZE" : undefined) });
    const backend = new TunBackend(platformOf());
    const handle = await backend.start(config);
    device.inject(plain);
    device.inject(tcpPacket({ ...ENDS, flags: "A" }));
    await until(() => handle.stats.packetsIn === 2);
    expect(handle.stats).toMatchObject({ egressSent: 1, egressRefused: 1 });
    await backend.stop();
  });
});
