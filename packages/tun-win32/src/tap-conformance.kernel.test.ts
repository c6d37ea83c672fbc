// A TAP adapter keeps the contract. On Linux the double plays the overlapped calls; under Wine they are Wine's own, on
// a pipe that carries messages in the place of the adapter.
import { expect, test } from "bun:test";
import { conformance } from "@bunnel/device/conformance";
import { TapWorld } from "../test/tap-world.ts";
import { openWindowsTap } from "./open.ts";

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

test("WindowsDevice of tap-windows6 gave everything back, and did nothing that Windows forbids", () => {
  expect(taps.world.violations()).toEqual([]);
  expect(taps.world.held()).toBe(0);
});
