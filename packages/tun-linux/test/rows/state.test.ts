// needs root
// Up and down, carrier. tun-rs: enable, enabled, is_running. tappers: set_state, set_up, set_down, state.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { NetworkNamespace, RouteNetlink } from "../../src/index.ts";
import { linkOf, quietDevice, sysFile } from "./witness.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

function flagsOf(name: string): unknown {
  return linkOf(namespace, name)?.["flags"];
}

describe("up", () => {
  test("is the default; false leaves the interface down", () => {
    using up = quietDevice(namespace);
    using down = quietDevice(namespace, { up: false });
    expect(flagsOf(up.name)).toContain("UP");
    expect(flagsOf(down.name)).not.toContain("UP");
  });

  test("can be changed and asked while the device is open: a down device reports down", () => {
    using device = quietDevice(namespace);
    using netlink = namespace.run(() => RouteNetlink.open());
    expect(netlink.link(device.index)).toMatchObject({ up: true, running: true });
    netlink.setLink(device.index, { up: false });
    expect(flagsOf(device.name)).not.toContain("UP");
    expect(netlink.link(device.index)).toMatchObject({ up: false, running: false });
    netlink.setLink(device.index, { up: true });
    expect(flagsOf(device.name)).toContain("UP");
  });
});

describe("carrier", () => {
  test.each(["ip", "ethernet"] as const)(
    "false is as if the cable were out, from the start and later: %s",
    (medium) => {
      using device = quietDevice(namespace, { medium, carrier: false });
      using netlink = namespace.run(() => RouteNetlink.open());
      expect(sysFile(namespace, device.name, "carrier")).toBe("0");
      expect(flagsOf(device.name)).toContain("NO-CARRIER");
      expect(netlink.link(device.index)).toMatchObject({ up: true, running: false });
      device.set({ carrier: true });
      expect(sysFile(namespace, device.name, "carrier")).toBe("1");
      expect(flagsOf(device.name)).toContain("LOWER_UP");
      device.set({ carrier: false });
      expect(sysFile(namespace, device.name, "carrier")).toBe("0");
    },
  );
});
