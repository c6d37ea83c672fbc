// Wintun's ring keeps the contract, with the double in the place of Wintun's DLL. The same file runs on Linux and, by
// wine.test.ts, in the real Windows Bun.
import { afterAll, expect, test } from "bun:test";
import { conformance } from "@bunnel/device/conformance";
import { World } from "../test/world.ts";
import { openWindowsTun } from "./open.ts";

const world = new World(true);
let opened = 0;

conformance("WindowsDevice of Wintun", {
  open() {
    const device = openWindowsTun({ name: `wintun test ${opened++}`, setup: world.setup });
    return {
      device,
      send: (packet) => world.inject(device.luid, packet),
      receive: () => world.take(device.luid),
      close: () => device.close(),
    };
  },
  capabilities: { medium: "ip", vnetHeader: false, vectored: true },
  transferred: { module: new URL("./hand-over.ts", import.meta.url).href, opener: "openTransferred" },
});

test("WindowsDevice of Wintun gave everything back, and did nothing that Wintun forbids", () => {
  expect(world.violations()).toEqual([]);
  expect(world.held()).toBe(0);
});

afterAll(() => {
  console.log(`proof: conformance on ${process.platform}, Wintun by a double`);
});
