// needs root: network namespaces, and Linux TUN devices behind a double of Wintun
// Proof level wine: the real Windows Bun, under Wine, runs `bunnel up`: its driver in front of the double of Wintun and
// iphlpapi, its lane, relay and carrier in their threads, its sockets by Winsock. Clients and servers are programs of
// this system. Wine hands IP_UNICAST_IF on to Linux, which obeys it for datagrams, and not for TCP: that is led past
// the device by a rule of this system, for the user that Wine is. IPV6_UNICAST_IF it hands on in the wrong order of
// octets, so that no socket of IPv6 can be bound: all of it is refused, as it must be then.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { linesOf, mustHave, Wine } from "@bunnel/tun-win32/proof";
import { succeed } from "../lab.ts";
import { CLIENT, GATEWAY, HOST, SERVER, TLS_PORT } from "./plan.ts";
import { SocketsWorld } from "./world.ts";

// The first start of Wine makes a system's registry; a busy machine should not turn it red.
setDefaultTimeout(240_000);

const PROFILE = `
[[rule]]
name = "records"
strategy = "tls: tlsrec(sniext+1) split(1, midsld)"
`;
const SERVICE = "test/e2e/sockets/wine-service.ts";
/** Not the user that Wine is. */
const SOMEBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const canRun = process.arch === "x64" && mustHave("wine64") && mustHave("x86_64-w64-mingw32-gcc-posix");

if (canRun) describe("bunnel up in the Windows Bun", provesIt);
else test("Wine cannot be had on this machine, so nothing is shown here", () => expect(canRun).toBe(false));

function provesIt(): void {
  let world: SocketsWorld;
  let wine: Wine;
  let child: ReturnType<Wine["start"]>;
  let started: Readonly<Record<string, unknown>>;

  beforeAll(async () => {
    Wine.fetch();
    wine = Wine.prepare().apart();
    world = new SocketsWorld();
    chmodSync(world.folder, 0o755);
    const words = [`Z:${await world.prepare(PROFILE)}`, `Z:${world.stateDir}`];
    child = world.client.inside(() => wine.startQuietly(SERVICE, ...words));
    const lines = linesOf(child.stdout);
    expect(JSON.parse(await lines.until('{"linked"'))).toMatchObject({ platform: "win32" });
    // What the service writes to its third adapter comes out of it here.
    const link = ["ip", "link", "set", "tun1", "name", "eth0", "netns", world.server.namespace.path];
    await succeed(world.client, link);
    await world.serve();
    started = JSON.parse(await lines.until('{"up"')) as typeof started;
  });

  afterAll(async () => {
    child?.kill("SIGKILL");
    await child?.exited;
    wine?.remove();
    await world?.[Symbol.asyncDispose]();
  });

  const page = async (family: 4 | 6): Promise<{ readonly status: number; readonly stdout: string }> => {
    const to = family === 4 ? SERVER[4] : `[${SERVER[6]}]`;
    const words = ["-sS", "-m", "60", "--cacert", world.authority, "--connect-to", `::${to}:${TLS_PORT}`];
    return world.client.run([...SOMEBODY, "curl", ...words, `https://${HOST}/`], { timeoutMs: 90_000 });
  };

  const ask = async (peer: string, what: string, family: 4 | 6): Promise<unknown> => {
    const command = [process.execPath, join(import.meta.dir, "..", peer), "ask", SERVER[family], what];
    return JSON.parse(await succeed(world.client, [...SOMEBODY, ...command]));
  };

  test("it is up, by an adapter, routes and an uplink of Windows", () => {
    expect(started).toMatchObject({ up: true, device: "bunnel0", method: "routes", uplinks: ["tun0"] });
  });

  test("a datagram leaves by the interface that its socket is bound to", async () => {
    const seen = expect.stringContaining(CLIENT[4]) as string;
    expect(await ask("datagram-peer.ts", "who", 4)).toMatchObject({ seen });
    console.log("proof: wine, IP_UNICAST_IF keeps a datagram out of the device");
  });

  test.each([
    ["would come round through the device", 4],
    ["can be bound to no interface", 6],
  ] as const)("a connection that %s is refused, IPv%i", async (_, family) => {
    const couldNotConnect = 7;
    expect((await page(family)).status).toBe(couldNotConnect);
  });

  describe("where its connections are led past the device", () => {
    beforeAll(async () => {
      const way = ["default", "via", GATEWAY[4], "dev", "tun0", "table", "100"];
      await succeed(world.client, ["ip", "route", "add", ...way]);
      await succeed(world.client, ["ip", "rule", "add", "uidrange", "0-0", "to", SERVER[4], "lookup", "100"]);
    });

    test("curl is served, and its hello arrives in two records", async () => {
      expect(await page(4)).toMatchObject({ status: 0, stdout: "hello\n" });
      const { from, records } = await world.seen();
      expect([from, records.length]).toEqual([CLIENT[4], 2]);
    });

    test("refusals, ends and resets reach the client", async () => {
      expect(await ask("stream-peer.ts", "closed", 4)).toEqual({ text: "", bytes: 0, how: "ECONNREFUSED" });
      expect(await ask("stream-peer.ts", "half-close", 4)).toMatchObject({ text: "heard 100005", how: "end" });
      expect(await ask("stream-peer.ts", "reset", 4)).toMatchObject({ how: "ECONNRESET" });
    });
  });

  test("killed it leaves no device behind", async () => {
    child.kill("SIGKILL");
    await child.exited;
    let devices = "tun2";
    while (devices.includes("tun2")) devices = await succeed(world.client, ["ip", "-br", "addr"]);
    expect(await succeed(world.client, ["ip", "route"])).not.toContain("tun2");
  });
}
