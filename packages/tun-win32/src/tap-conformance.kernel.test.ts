// A TAP adapter keeps the contract. On Linux the double plays the overlapped calls; under Wine they are Wine's own, on
// a pipe that carries messages in the place of the adapter.
import { expect, test } from "bun:test";
import { Wake } from "@bunnel/device";
import { conformance, conformanceFrame } from "@bunnel/device/conformance";
import { failureOf } from "../test/failure.ts";
import { TapWorld } from "../test/tap-world.ts";
import { isWine } from "../test/world.ts";
import { ERROR_ACCESS_DENIED } from "./constants.ts";
import { windowsSetup } from "./libraries.ts";
import { openWindowsTap, openWindowsTun } from "./open.ts";
import { systemOf } from "./sys.ts";

const taps = new TapWorld(4);

conformance("WindowsDevice of tap-windows6", {
  open() {
    const device = openWindowsTap({ setup: taps.world.setup });
    return {
      device,
      send: (frame) => taps.inject(device.luid, frame),
      receive: () => taps.take(device.luid),
      close: () => {
        device.close();
        taps.reset(device.luid);
      },
    };
  },
  capabilities: { medium: "ethernet", vnetHeader: false, vectored: true },
  transferred: { module: new URL("./hand-over.ts", import.meta.url).href, opener: "openTransferred" },
});

conformance("WindowsDevice of tap-windows6 that carries packets", {
  open() {
    const device = openWindowsTun({ via: "tap", addresses: ["198.51.100.77/20"], setup: taps.world.setup });
    return {
      device,
      send: (packet) => taps.inject(device.luid, packet),
      receive: () => taps.take(device.luid),
      close: () => {
        device.close();
        taps.reset(device.luid);
      },
    };
  },
  capabilities: { medium: "ip", vnetHeader: false, vectored: true },
  transferred: { module: new URL("./hand-over.ts", import.meta.url).href, opener: "openTransferred" },
});

test("openWindowsTun() by tap-windows6 tells the driver address, network and mask, in network order", () => {
  taps.world.record();
  const device = openWindowsTun({
    via: "tap",
    addresses: ["2001:db8::1/64", "198.51.100.77/20"],
    setup: taps.world.setup,
  });
  device.close();
  taps.reset(device.luid);
  const told = taps.world.record().filter((line) => /^(tun|media)/.test(line));
  expect(told).toEqual(["tun 198.51.100.77.198.51.96.0.255.255.240.0", "media 1", "media 0"]);
  expect(failureOf(() => openWindowsTun({ via: "tap", setup: taps.world.setup })).message).toBe(
    'addresses: expected one of IPv4 with via "tap", found none',
  );
});

test("reads that end with the thread which began them begin again", () => {
  const device = openWindowsTap({ setup: taps.world.setup });
  const system = systemOf(windowsSetup(taps.world.setup));
  expect(device.wait(0)).toBe(Wake.Timeout);
  system.kernel32().CancelIoEx(Number(device.handOver()["handle"]), null);
  for (let i = 0; i < 20; i++) {
    expect(device.wait(0)).toBe(Wake.Timeout);
    taps.inject(device.luid, conformanceFrame(60 + i, i));
    const frame = new Uint8Array(200);
    expect(device.wait(2000)).toBe(Wake.Readable);
    expect(device.readv([frame])).toBe(74 + i);
  }
  device.close();
  taps.reset(device.luid);
});

test("openWindowsTap() gives everything back when the driver refuses a request", () => {
  taps.world.fail("DeviceIoControl", ERROR_ACCESS_DENIED);
  const failure = failureOf(() => openWindowsTap({ setup: taps.world.setup }));
  expect(failure).toMatchObject({ code: "E_DEVICE_DENIED", errno: ERROR_ACCESS_DENIED });
  expect(failure.message).toBe(
    "request 0x220018 to the TAP adapter failed with ERROR_ACCESS_DENIED: needs an administrator",
  );
  expect(taps.world.held()).toBe(0);
  for (const luid of taps.luids) taps.reset(luid);
});

test("openWindowsTap() says which adapters there are, that all are in use, and that there is none", () => {
  const { setup } = taps.world;
  const open = Array.from({ length: 4 }, () => openWindowsTap({ setup }));
  expect(failureOf(() => openWindowsTap({ setup, name: "tap 9" })).message).toBe(
    'TAP device: expected an adapter of tap-windows6 named "tap 9", found tap 1, tap 2, tap 3, tap 4',
  );
  const busy = failureOf(() => openWindowsTap({ setup, name: "tap 2" }));
  // The pipe that stands in for the adapter under Wine says ERROR_PIPE_BUSY in its own words.
  expect(isWine ? busy.errno : busy.code).toBe(isWine ? 231 : "E_DEVICE_BUSY");
  expect(open.map(({ name }) => name)).toEqual(["tap 1", "tap 2", "tap 3", "tap 4"]);
  for (const device of open) {
    device.close();
    taps.reset(device.luid);
  }
});

test("WindowsDevice of tap-windows6 gave everything back, and did nothing that Windows forbids", () => {
  expect(taps.world.violations()).toEqual([]);
  expect(taps.world.held()).toBe(0);
});
