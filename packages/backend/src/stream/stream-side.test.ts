// Stream egress of a backend over devices in memory: the listener is played by the test.
import { beforeEach, describe, expect, test } from "bun:test";
import { MemoryDevice, type DeviceOptions, type InterceptionOptions } from "@bunnel/device";
import { MemoryEgress } from "@bunnel/egress";
import type { WantedConnection } from "@bunnel/engine";
import { defaultProfile, parseProfile } from "@bunnel/profile";
import { decodePacket, tcpPacket } from "@bunnel/wire";
import type { BackendHandle } from "../backend.ts";
import { startInlineLane } from "../inline-lane.ts";
import type { TunPlatform } from "../platform.ts";
import { TunBackend } from "../tun-backend.ts";
import type { CarrierContext, OpenCarrier, Reached } from "./carrier.ts";
import { prefixLengthOf, STREAM_ADDRESS6 } from "./stream-link.ts";

const profile = parseProfile('[[rule]]\nname = "s"\negress = "stream"\nstrategy = "tls: split(1)"\n');
const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const ENDS6 = { source: "2001:db8::7", destination: "2001:db8:1::9", sourcePort: 40000, destinationPort: 443 };
const PORTS = [4040, 4041];

let device: MemoryDevice;
let egress: MemoryEgress;
let opened: DeviceOptions[];
let intercepted: InterceptionOptions[];
let log: string[];
let asked: WantedConnection[];
let context: CarrierContext | undefined;
/** Connections that the carrier says it has. */
let open: number;
let ended: ReturnType<typeof Promise.withResolvers<Error | undefined>>;

const platform: TunPlatform = {
  name: "memory",
  unsupported: () => undefined,
  openDevice: (options) => {
    opened.push(options);
    return device;
  },
  openEgress: () => egress,
  intercept: (method, options) => {
    intercepted.push(options);
    log.push("intercept");
    const close = (): void => void log.push("release");
    return { method, uplinks: ["up0"], close, [Symbol.dispose]: close };
  },
  sweep: () => ({ removed: [] }),
  uplinks: () => ({ names: ["up0"], mtuBytes: 1500 }),
  hasIpv6: () => true,
  startLane: startInlineLane,
};

/** A carrier that reaches every server, or says what happened instead. */
function carrierOf(reached: Reached | undefined = "connected") {
  return { open: (given: CarrierContext) => Promise.resolve(opens(given, reached)) };
}

function opens(given: CarrierContext, reached: Reached | undefined): OpenCarrier {
  context = given;
  log.push("listen");
  const close = (): void => void log.push("close");
  return {
    ports: PORTS,
    ...(reached && {
      prepare: (wanted: WantedConnection) => {
        asked.push(wanted);
        return Promise.resolve(reached);
      },
    }),
    get figures() {
      return { open };
    },
    closed: ended.promise,
    load: () => void log.push("load"),
    close,
    [Symbol.dispose]: close,
  };
}

async function start(reached?: Reached | "at once"): Promise<BackendHandle> {
  const carrier = reached === "at once" ? { open: openAtOnce } : carrierOf(reached);
  return new TunBackend(platform).start({ engine: { profile }, stream: carrier });
}

/** Without `prepare`: every connection is accepted. */
async function openAtOnce(given: CarrierContext): Promise<OpenCarrier> {
  const { prepare: _none, ...rest } = await carrierOf().open(given);
  return rest;
}

async function nextSent(): Promise<Uint8Array> {
  for (let i = 0; i < 2000; i++) {
    const [packet] = egress.take();
    if (packet) return packet;
    await Bun.sleep(1);
  }
  throw new Error("expected a packet, found none");
}

beforeEach(() => {
  device = MemoryDevice.open({ name: "memory0" });
  egress = new MemoryEgress();
  ended = Promise.withResolvers();
  [opened, intercepted, log, asked, open] = [[], [], [], [], 0];
});

describe("stream egress", () => {
  test("gives the device addresses, listens, then selects; takes it down the other way", async () => {
    const handle = await start();
    expect(opened[0]?.addresses).toEqual(["10.0.85.1/24", `${STREAM_ADDRESS6}/64`]);
    expect(context?.listen).toEqual(["10.0.85.1", STREAM_ADDRESS6]);
    expect(intercepted[0]?.select).toEqual({ stream: [443] });
    await handle.shutdown();
    expect(log).toEqual(["listen", "intercept", "release", "close"]);
  });

  test.each([
    [4, ENDS, "10.0.85.1", 4040],
    [6, ENDS6, STREAM_ADDRESS6, 4041],
  ] as const)("a connection waits for its server, then goes to the listener, IPv%i", async (_, ends, local, port) => {
    const handle = await start();
    device.inject(tcpPacket({ ...ends, flags: "S" }));
    const syn = decodePacket(await nextSent());
    expect([syn.destination, syn.destinationPort]).toEqual([local, port]);
    const peer = { address: syn.source, port: syn.sourcePort };
    expect(asked).toMatchObject([{ peer, destination: { address: ends.destination, port: 443 } }]);
    expect(context?.originalDestination(peer)).toEqual({ address: ends.destination, port: 443 });
    device.inject(
      tcpPacket({
        source: local,
        sourcePort: port,
        destination: peer.address,
        destinationPort: peer.port,
        flags: "SA",
      }),
    );
    expect(decodePacket(await nextSent())).toMatchObject({ source: ends.destination, destination: ends.source });
    expect(handle.flows()).toMatchObject([{ packetsOut: 1, packetsIn: 1, rule: 0 }]);
    await handle.shutdown();
  });

  test("a connection that is refused outside is refused inside", async () => {
    const handle = await start("refused");
    device.inject(tcpPacket({ ...ENDS, flags: "S", seq: 9 }));
    const reset = decodePacket(await nextSent());
    expect(reset).toMatchObject({ source: ENDS.destination, destination: ENDS.source, ack: 10, tcpFlags: 0x14 });
    expect(handle.stats.reasons).toEqual({ DropRefused: 1 });
    await handle.shutdown();
  });

  test("without `prepare`, connections go to the listener at once", async () => {
    const handle = await start("at once");
    device.inject(tcpPacket({ ...ENDS, flags: "S" }));
    expect(decodePacket(await nextSent()).destinationPort).toBe(4040);
    expect(asked).toEqual([]);
    await handle.shutdown();
  });

  test("another profile reaches the carrier; the first stream rule needs a start anew", async () => {
    const handle = await start();
    handle.pipeline.load(profile);
    expect(log).toContain("load");
    await handle.shutdown();
    device = MemoryDevice.open({ name: "memory0" });
    const plain = await new TunBackend(platform).start({ engine: { profile: defaultProfile() }, stream: carrierOf() });
    expect(opened.at(-1)?.addresses).toBeUndefined();
    expect(() => plain.pipeline.load(profile)).toThrow("rules: the first one with stream egress needs a start anew");
    await plain.shutdown();
  });

  test("the first stream rule is taken live where carrier and device can begin late", async () => {
    const added: string[] = [];
    const addAddresses = (_: unknown, addresses: readonly string[]): void => void added.push(...addresses);
    const handle = await new TunBackend({ ...platform, addAddresses }).start({
      engine: { profile: defaultProfile() },
      stream: { ...carrierOf(), openNow: (given) => opens(given, "connected") },
    });
    expect([handle.stats.streamed, log]).toEqual([undefined, ["intercept"]]);
    handle.pipeline.load(profile);
    expect([added, context?.profile]).toEqual([["10.0.85.1/24", `${STREAM_ADDRESS6}/64`], profile]);
    device.inject(tcpPacket({ ...ENDS, flags: "S", seq: 9 }));
    expect(decodePacket(await nextSent()).destinationPort).toBe(4040);
    handle.pipeline.load(defaultProfile());
    handle.pipeline.load(profile);
    expect(added).toHaveLength(2);
    expect(log.filter((what) => what === "listen")).toHaveLength(1);
    await handle.shutdown();
  });

  test("ports of rules that are gone come up until their last connection has ended", async () => {
    const handle = await start();
    const selected = (): InterceptionOptions["select"] | undefined => intercepted.at(-1)?.select;
    open = 1;
    handle.pipeline.load(parseProfile("rule = []"));
    expect(selected()).toEqual({ stream: [443] });
    handle.pipeline.load(
      parseProfile('[[rule]]\nname = "s"\nports = [80]\negress = "stream"\nstrategy = "http: split(1)"'),
    );
    expect(selected()).toEqual({ stream: [80, 443] });
    open = 0;
    while (selected()?.stream?.length !== 1) await Bun.sleep(5);
    expect(selected()).toEqual({ stream: [80] });
    handle.pipeline.load(parseProfile("rule = []"));
    expect(selected()).toEqual({});
    await handle.shutdown();
  });

  test("another selection is put in force in one step where the system can do that", async () => {
    const steps: (InterceptionOptions["select"] | undefined)[] = [];
    const intercept: TunPlatform["intercept"] = (method, options) => ({
      ...platform.intercept(method, options),
      reselect: ({ select }) => {
        steps.push(select);
        return select.stream?.length !== 2;
      },
    });
    const handle = await new TunBackend({ ...platform, intercept }).start({ engine: { profile }, stream: carrierOf() });
    handle.pipeline.load(defaultProfile());
    expect([steps.length, intercepted.length, log.includes("release")]).toEqual([1, 1, false]);
    // What it cannot do so is done anew.
    handle.pipeline.load(
      parseProfile('[[rule]]\nname = "s"\nports = [80, 81]\negress = "stream"\nstrategy = "http: split(1)"'),
    );
    expect([steps.length, intercepted.length, log.includes("release")]).toEqual([2, 2, true]);
    await handle.shutdown();
  });

  test("a carrier that ends by itself ends the backend with its cause", async () => {
    const handle = await start();
    ended.resolve(new Error("no more sockets"));
    expect(await handle.closed).toEqual(new Error("no more sockets"));
    expect(log).toContain("release");
  });

  test("stream rules are refused where nobody carries them", () => {
    const started = new TunBackend(platform).start({ engine: { profile } });
    expect(started).rejects.toThrow('egress = "stream"');
  });
});

test.each([
  ["255.255.255.0", 24],
  ["255.255.255.252", 30],
  ["128.0.0.0", 1],
])("prefixLengthOf(%s) is %i", (netmask, length) => {
  expect(prefixLengthOf(netmask)).toBe(length);
});

test("prefixLengthOf() refuses a netmask with holes", () => {
  expect(() => prefixLengthOf("255.0.255.0")).toThrow("netmask 255.0.255.0: expected ones, then zeros");
});
