// needs root: network namespaces, and Linux TUN devices behind a double of Wintun
// Proof level wine: the real Windows Bun, under Wine, runs `bunnel up`: its driver in front of the double of Wintun and
// iphlpapi, its lane, relay and carrier in their threads, its sockets by Winsock. Clients and servers are programs of
// this system. Wine hands IP_UNICAST_IF on to Linux, which obeys it for datagrams, and not for TCP: that is led past
// the device by a rule of this system, for the user that Wine is. IPV6_UNICAST_IF it hands on in the order of octets
// that it came in, which Linux refuses: there a socket is bound to the uplink's own address instead, and a rule has
// such packets leave by the uplink, as Windows has it of itself.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { linesOf, mustHave, Wine } from "@bunnel/tun-win32/proof";
import { succeed } from "../lab.ts";
import { DOH_NAME, DOH_PORT, startUnbound, TRUE_V4, TRUE_V6, type Unbound } from "../unbound.ts";
import { BLOCKED_NAME } from "@bunnel/lab/live";
import { Injector } from "./injector.ts";
import { CLIENT, FORGED, GATEWAY, HOST, RESOLVER, SERVER, TLS_PORT } from "./plan.ts";
import { SocketsWorld } from "./world.ts";

// The first start of Wine makes a system's registry; a busy machine should not turn it red.
setDefaultTimeout(240_000);

/** Of addresses that are left alone, where the injector answers. */
const PLAIN = "198.51.100.7";
const profileOf = (authority: string): string => `
[interception]
exclude = ["198.51.100.0/24"]

[dns]
upstreams = ["https://${DOH_NAME}:${DOH_PORT}/dns-query ${RESOLVER[4]}"]
certificates_file = ${JSON.stringify(`Z:${authority}`)}
timeout_ms = 15000

[[rule]]
name = "records"
strategy = "tls: tlsrec(sniext+1) split(1, midsld)  dns: doh"
`;
const SERVICE = "test/e2e/sockets/wine-service.ts";
const OPTIONS = "packages/stream/test/windows/options-child.ts";
const FAMILIES = [4, 6] as const;
/** An index that is the same in both orders of octets: Linux takes it from Wine whatever the order. */
const EVEN_INDEX = 0x0001_0100;
/** Not the user that Wine is. */
const SOMEBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const canRun = process.arch === "x64" && mustHave("wine64") && mustHave("x86_64-w64-mingw32-gcc-posix");

if (canRun) describe("bunnel up in the Windows Bun", provesIt);
else test("Wine cannot be had on this machine, so nothing is shown here", () => expect(canRun).toBe(false));

/** asm-generic/errno-base.h */
const EINVAL = 22;

/** What the child says of a socket. */
interface Bound {
  readonly name: string;
  readonly index: number;
  readonly family: number;
  readonly kind: string;
  readonly error: number;
  readonly option: number;
  readonly address?: string | undefined;
}

function provesIt(): void {
  let world: SocketsWorld;
  let wine: Wine;
  let unbound: Unbound;
  let injector: Injector;
  let child: ReturnType<Wine["start"]>;
  let started: Readonly<Record<string, unknown>>;

  beforeAll(async () => {
    Wine.fetch();
    wine = Wine.prepare().apart();
    world = new SocketsWorld();
    chmodSync(world.folder, 0o755);
    await world.addAddresses();
    unbound = await startUnbound(world.server, join(world.folder, "unbound"));
    injector = await Injector.start(world.server);
    const words = [`Z:${await world.prepare(profileOf(unbound.authorityPath))}`, `Z:${world.stateDir}`];
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

  const dig = async (server: string, how: string, type: string): Promise<string> => {
    const words = ["+short", "+time=30", "+tries=1", how, BLOCKED_NAME, type];
    return (await world.client.run([...SOMEBODY, "dig", `@${server}`, ...words], { timeoutMs: 90_000 })).stdout;
  };

  test("it is up, by an adapter, routes and an uplink of Windows", () => {
    expect(started).toMatchObject({ up: true, device: "bunnel0", method: "routes", uplinks: ["tun0"] });
  });

  test("a datagram leaves by the interface that its socket is bound to", async () => {
    const seen = expect.stringContaining(CLIENT[4]) as string;
    expect(await ask("datagram-peer.ts", "who", 4)).toMatchObject({ seen });
    console.log("proof: wine, IP_UNICAST_IF keeps a datagram out of the device");
  });

  test("sockets of every kind are bound by the option of Windows, or else to the interface's address", async () => {
    const link = ["type", "veth", "peer", "name", "even1"];
    await succeed(world.client, ["ip", "link", "add", "even0", "index", String(EVEN_INDEX), ...link]);
    const options = world.client.inside(() => wine.startQuietly(OPTIONS, "tun0", "even0", "even1"));
    const printed = (await options.stdout.text()).split("\n").filter((line) => line.startsWith("{"));
    const told = printed.map((line) => JSON.parse(line) as Bound);
    const of = (name: string, family: number): readonly Omit<Bound, "name" | "family" | "index" | "kind">[] =>
      told
        .filter((each) => each.name === name && each.family === family)
        .map(({ error, option, address }) => ({ error, option, address }));
    const twice = <Each>(each: Each): Each[] => [each, each];
    const indexOf = (name: string): number => told.find((each) => each.name === name)?.index ?? 0;
    // IPv4 in network order, for TCP and UDP; in the other order Linux knows no such interface.
    for (const name of ["tun0", "even0", "even1"]) {
      const option = Buffer.from(Uint32Array.of(indexOf(name)).buffer).readUInt32BE();
      expect(of(name, 2)).toEqual(twice({ error: 0, option, address: undefined }));
    }
    // IPv6 in host order, which Linux takes where both are the same, and refuses elsewhere.
    expect(of("even0", 10)).toEqual(twice({ error: 0, option: EVEN_INDEX, address: undefined }));
    expect(of("tun0", 10)).toEqual(twice({ error: 0, option: 0, address: CLIENT[6] }));
    expect(of("even1", 10)).toMatchObject(twice({ error: EINVAL, option: 0 }));
    console.log(`proof: wine, ${told.length} sockets bound and asked for it`);
  });

  test.each(FAMILIES)("a connection that would come round through the device is refused, IPv%i", async (family) => {
    const couldNotConnect = 7;
    expect((await page(family)).status).toBe(couldNotConnect);
  });

  describe("where its connections are led past the device", () => {
    beforeAll(async () => {
      for (const family of FAMILIES) {
        const way = ["default", "via", GATEWAY[family], "dev", "tun0", "table", "100"];
        await succeed(world.client, ["ip", `-${family}`, "route", "add", ...way]);
      }
      const rule = async (...words: string[]): Promise<unknown> =>
        succeed(world.client, ["ip", ...words, "lookup", "100"]);
      for (const to of [SERVER[4], RESOLVER[4]]) await rule("rule", "add", "uidrange", "0-0", "to", to);
      // As Windows does by itself.
      await rule("-6", "rule", "add", "from", CLIENT[6]);
    });

    test.each(FAMILIES)("curl is served, and its hello arrives in two records, IPv%i", async (family) => {
      expect(await page(family)).toMatchObject({ status: 0, stdout: "hello\n" });
      const { from, records } = await world.seen();
      expect([from, records.length]).toEqual([CLIENT[family], 2]);
      console.log(`proof: wine, a connection past the device, IPv${family}`);
    });

    test("a datagram of IPv6 leaves by the interface whose address its socket has", async () => {
      const seen = expect.stringContaining(CLIENT[6]) as string;
      expect(await ask("datagram-peer.ts", "who", 6)).toMatchObject({ seen });
    });

    test.each(["+notcp", "+tcp"])(
      "names are found over HTTPS, and the injector hears nothing of it, %s",
      async (how) => {
        expect(await dig(PLAIN, "+notcp", "A")).toBe(`${FORGED[4]}\n`);
        const before = [await injector.heard(), (await unbound.figures()).get("num.query.https") ?? 0] as const;
        const type = how === "+tcp" ? "AAAA" : "A";
        for (const server of Object.values(SERVER)) {
          expect(await dig(server, how, type)).toBe(`${how === "+tcp" ? TRUE_V6 : TRUE_V4}\n`);
        }
        expect(await injector.heard()).toBe(before[0]);
        expect((await unbound.figures()).get("num.query.https")).toBe(before[1] + 1);
        console.log(`proof: wine, dns: doh, ${how}`);
      },
    );

    test.each(FAMILIES)("refusals, ends and resets reach the client, IPv%i", async (family) => {
      expect(await ask("stream-peer.ts", "closed", family)).toEqual({ text: "", bytes: 0, how: "ECONNREFUSED" });
      expect(await ask("stream-peer.ts", "half-close", family)).toMatchObject({ text: "heard 100005", how: "end" });
      expect(await ask("stream-peer.ts", "reset", family)).toMatchObject({ how: "ECONNRESET" });
    });
  });

  test("the token of its process has two privileges left", async () => {
    const lines = (await Bun.file(world.audit).text()).trimEnd().split("\n");
    const noted = lines.map((line) => JSON.parse(line) as { readonly operation: string; readonly removed?: number });
    const given = noted.find(({ operation }) => operation === "drop privileges");
    expect(given).toMatchObject({ kept: ["SeChangeNotifyPrivilege", "SeLoadDriverPrivilege"] });
    expect(given?.removed).toBeGreaterThan(10);
    console.log(`proof: wine, ${given?.removed} privileges removed`);
  });

  test("killed it leaves no device behind", async () => {
    child.kill("SIGKILL");
    await child.exited;
    let devices = "tun2";
    while (devices.includes("tun2")) devices = await succeed(world.client, ["ip", "-br", "addr"]);
    expect(await succeed(world.client, ["ip", "route"])).not.toContain("tun2");
  });
}
