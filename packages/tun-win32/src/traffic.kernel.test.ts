// needs root: a network of its own with a Linux TUN device behind the double
// Proof level fake: the driver with the double in the place of Windows, and a real interface behind it. What is asked
// of Windows is there, pings and TCP pass.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { echoed } from "../test/echoed.ts";
import { enterOwnNetwork, run, runMeanwhile } from "../test/own-network.ts";
import { Reflector } from "../test/reflector.ts";
import { TapWorld } from "../test/tap-world.ts";
import { World } from "../test/world.ts";
import { WindowsNetwork } from "./netcfg/index.ts";
import { openWindowsTap, openWindowsTun } from "./open.ts";
import type { WindowsDevice } from "./windows-device.ts";

const PINGS = 10;
const TCP_BYTES = 4 << 20;
const PORT = 7000;

describe("an adapter with a Linux interface behind it", () => {
  let world: World;
  let device: WindowsDevice;
  let reflector: Reflector;
  let reflecting: Promise<void>;
  /** What Linux calls it. */
  let linuxName = "";

  beforeAll(() => {
    enterOwnNetwork();
    world = new World(false);
    device = openWindowsTun({
      name: "Bunnel on Linux",
      addresses: ["192.0.2.1/24", "2001:db8::1/64"],
      mtuBytes: 1400,
      setup: world.setup,
    });
    linuxName = linkOf(device.index).ifname;
    reflector = new Reflector(device);
    reflecting = reflector.run();
  });
  afterAll(async () => {
    device.close();
    await reflecting;
    expect(world.violations()).toEqual([]);
    expect(world.held()).toBe(0);
    expect(run("ip -j link show")).not.toContain(`"${linuxName}"`);
    console.log("proof: fake on Linux, Wintun and iphlpapi by a double backed by a TUN device");
  });

  test("is up, with both addresses and its MTU", () => {
    const [link] = JSON.parse(run(`ip -j addr show dev ${linuxName}`)) as [
      { mtu: number; flags: string[]; addr_info: { local: string; prefixlen: number }[] },
    ];
    expect(link.mtu).toBe(1400);
    expect(link.flags).toContain("UP");
    expect(link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`)).toEqual([
      "192.0.2.1/24",
      "2001:db8::1/64",
    ]);
  });

  test("carries pings of both families", async () => {
    for (const address of ["192.0.2.9", "2001:db8::9"]) {
      const words = await runMeanwhile(`ping -c ${PINGS} -i 0.01 -W 2 ${address}`);
      expect(words).toContain(`${PINGS} packets transmitted, ${PINGS} received, 0% packet loss`);
    }
  });

  test("carries pings as long as a packet can be, in fragments", async () => {
    const words = await runMeanwhile("ping -c 3 -i 0.01 -W 2 -s 4000 192.0.2.9");
    expect(words).toContain("3 packets transmitted, 3 received");
  });

  test("has the routes that were added, and loses them again", () => {
    const network = new WindowsNetwork(world.setup);
    network.addRoute({ destination: "203.0.113.0/24", index: device.index, metric: 5 });
    network.addRoute({ destination: "2001:db8:9::/48", gateway: "2001:db8::9", index: device.index });
    expect(run("ip route show 203.0.113.0/24")).toContain(`dev ${linuxName} proto static scope link metric 5`);
    expect(run("ip -6 route show 2001:db8:9::/48")).toContain(`via 2001:db8::9 dev ${linuxName}`);
    for (const route of network.routes({ index: device.index })) network.removeRoute(route);
    expect(run("ip route show 203.0.113.0/24")).toBe("");
    network.removeAddress(device.index, "192.0.2.1");
    expect(run(`ip -4 addr show dev ${linuxName}`)).toBe("");
    network.addAddress(device.index, "192.0.2.1/24");
  });

  test.each([
    ["192.0.2.1", "192.0.2.9"],
    ["2001:db8::1", "2001:db8::9"],
  ])("carries TCP of %s both ways, and nothing is damaged by merging", async (hostname, other) => {
    const sent = new Uint8Array(TCP_BYTES).map((_, i) => (i * 2654435761) >>> 24);
    expect(Bun.hash(await echoed({ hostname, other, port: PORT, octets: sent }))).toBe(Bun.hash(sent));
    // What Linux sent in packets of 1400 octets came back in fewer: those of a burst became one.
    expect(world.written(device.luid)).toBeLessThan(reflector.count);
  });
});

describe("a TAP adapter with a Linux interface behind it", () => {
  test("carries frames, and its address and MTU are those that were asked for", async () => {
    const taps = new TapWorld(1, false);
    const tap = openWindowsTap({ addresses: ["198.51.100.1/24"], mtuBytes: 1300, setup: taps.world.setup });
    const reflecting = new Reflector(tap).run();
    const { ifname, mtu } = linkOf(tap.index);
    expect([mtu, tap.state().mac, tap.state().persistent]).toEqual([1300, "02:ff:00:00:00:01", true]);
    run(`ip neigh add 198.51.100.9 lladdr 02:00:00:00:00:09 dev ${ifname}`);
    const words = await runMeanwhile("ping -c 5 -i 0.01 -W 2 198.51.100.9");
    expect(words).toContain("5 packets transmitted, 5 received");
    tap.set({ carrier: false });
    expect(taps.world.record().filter((line) => line.startsWith("media"))).toEqual(["media 1", "media 0"]);
    tap.close();
    await reflecting;
    expect(taps.world.violations()).toEqual([]);
    expect(taps.world.held()).toBe(0);
    taps.world.removeTap(tap.luid);
  });
});

function linkOf(index: number): { readonly ifname: string; readonly mtu: number } {
  const links = JSON.parse(run("ip -j link show")) as { ifindex: number; ifname: string; mtu: number }[];
  return links.find(({ ifindex }) => ifindex === index) ?? { ifname: "", mtu: 0 };
}
