// Proof level real: on Windows itself, as an administrator, with wintun.dll beside the program or in WINTUN_FOLDER.
// `bun test ./packages/tun-win32/test/windows.real.ts`. Under Wine the double stands in for what Wine has not.
import { afterAll, describe, expect, test } from "bun:test";
import { openWindowsTun, WindowsNetwork, wintunVersion } from "../src/index.ts";
import type { WindowsEvent } from "../src/index.ts";
import { Reflector } from "./reflector.ts";
import { WINE_DOUBLE, World } from "./world.ts";

const PINGS = 4;
const folder = process.env["WINTUN_FOLDER"];
const isDouble = process.env[WINE_DOUBLE] !== undefined;
/** The ping of Wine 8 knows IPv4 only. */
const PINGED = isDouble ? ["192.0.2.9"] : ["192.0.2.9", "2001:db8::9"];
const setup = isDouble ? new World(false).setup : {};

describe("Wintun on Windows", () => {
  const device = openWindowsTun({
    name: "bunnel real%d",
    addresses: ["192.0.2.1/24", "2001:db8::1/64"],
    mtuBytes: 1400,
    metric: 5,
    folders: folder === undefined ? [] : [folder],
    setup,
  });
  const reflecting = new Reflector(device).run();
  const network = new WindowsNetwork(setup);
  const { index } = device;
  afterAll(async () => {
    device.close();
    await reflecting;
    expect(network.link(index)).toBeUndefined();
  });

  test("has its name, its addresses and its driver", () => {
    expect(network.link(index)).toMatchObject({ name: device.name, type: 53, up: true });
    const addresses = network.addresses(index).map(({ address }) => address);
    expect(addresses).toContain("192.0.2.1/24");
    expect(addresses).toContain("2001:db8::1/64");
    expect(wintunVersion({ setup, ...(folder === undefined ? {} : { folders: [folder] }) })).toMatch(/^\d+\.\d+$/);
  });

  test("has routes, which a lookup finds, and name servers", () => {
    network.addRoute({ destination: "203.0.113.0/24", index });
    expect(network.lookupRoute("203.0.113.7")).toMatchObject({ index, source: "192.0.2.1" });
    network.removeRoute({ destination: "203.0.113.0/24", index });
    network.setDns(index, { servers: ["192.0.2.53", "2001:db8::53"], search: ["example.org"] });
    network.clearDns(index);
  });

  test("tells of a change", async () => {
    using events = network.watch({ topics: ["address"] });
    network.addAddress(index, "192.0.2.2/24");
    const seen: WindowsEvent[] = [];
    for await (const event of events) {
      seen.push(event);
      if (event.type === "address" && event.address.address === "192.0.2.2/24") break;
    }
    expect(seen.length).toBeGreaterThan(0);
  });

  test.each(PINGED)("answers the pings of Windows to %s", async (address) => {
    const child = Bun.spawn(["ping", "-n", String(PINGS), address], { stdout: "pipe" });
    const words = await new Response(child.stdout).text();
    expect(words.match(/(=|<)\s*\d+\s*ms/g)?.length ?? 0).toBeGreaterThanOrEqual(PINGS);
  });
});
