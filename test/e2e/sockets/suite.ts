// What holds on every system that carries everything by sockets, from outside: real programs, real servers.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { GREETING, type Question } from "../stream-peer.ts";
import type { DatagramQuestion } from "../datagram-peer.ts";
import { succeed } from "../lab.ts";
import { PROGRAM } from "../../cli/run.ts";
import { CLIENT, HOST, MTU, NARROW_MTU, OTHER_CLIENT, SERVER, TLS_PORT } from "./plan.ts";
import { SocketsWorld, type Running } from "./world.ts";

const PROFILE = `
[interception]
exclude = ["198.51.100.0/24"]

[[rule]]
name = "records"
hosts = ["example.org"]
strategy = "tls: tlsrec(sniext+1) split(1, midsld)  http: split(method+2)"
`;
const FAMILIES = [4, 6] as const;
const PEER = join(import.meta.dir, "../stream-peer.ts");
const DATAGRAMS = join(import.meta.dir, "../datagram-peer.ts");

/** A system, as its service plays it. */
export interface PlayedSystem {
  readonly name: string;
  /** The program of the client. */
  readonly service: string;
  /** The device as the system calls it, and as Linux below does. */
  readonly device: string;
  readonly ownDevice: string;
  readonly uplink: string;
  /** The one that the default route leads to later. */
  readonly otherUplink: string;
  /** What it says of the privileges that it has given up. */
  readonly givenUp: Readonly<Record<string, unknown>>;
  /** What the program is told besides, made once in a folder: to compile takes a busy machine long. */
  readonly words?: (folder: string) => readonly string[];
}

export function carriesBySockets(system: PlayedSystem): void {
  const { name, service, device, ownDevice, uplink, otherUplink } = system;
  // Of the file that calls it: each has its own.
  setDefaultTimeout(240_000);
  describe(`bunnel up in front of ${name}`, () => {
    let world: SocketsWorld;
    let running: Running;
    let words: readonly string[];

    beforeAll(async () => {
      world = new SocketsWorld();
      words = system.words?.(world.folder) ?? [];
      running = await world.up(service, PROFILE, words);
    });

    afterAll(async () => {
      await world?.[Symbol.asyncDispose]();
    });

    const devices = (): Promise<string> => succeed(world.client, ["ip", "-br", "addr"]);

    const ask = async (what: Question, family: 4 | 6): Promise<unknown> =>
      JSON.parse(await succeed(world.client, [process.execPath, PEER, "ask", SERVER[family], what]));

    const askDatagram = async (what: DatagramQuestion, family: 4 | 6): Promise<unknown> =>
      JSON.parse(await succeed(world.client, [process.execPath, DATAGRAMS, "ask", SERVER[family], what]));

    const page = (family: 4 | 6): Promise<string> => {
      const to = family === 4 ? SERVER[4] : `[${SERVER[6]}]`;
      const how = ["-sS", "-m", "60", "--cacert", world.authority, "--connect-to", `::${to}:${TLS_PORT}`];
      return succeed(world.client, ["curl", ...how, `https://${HOST}/`]);
    };

    const bunnel = (...command: string[]): Promise<string> =>
      succeed(world.client, [...PROGRAM, ...command, "--state-dir", world.stateDir]);

    test("it says by what it works", () => {
      expect(running.started).toMatchObject({ device, method: "routes", uplinks: [uplink] });
      console.log(`proof: fake kernel, bunnel up in front of ${name}`);
    });

    test.each(FAMILIES)(
      "curl is served, and its hello arrives in two records from this machine, IPv%i",
      async (family) => {
        expect(await page(family)).toBe("hello\n");
        const { from, records } = await world.seen();
        expect(from).toBe(CLIENT[family]);
        expect(records).toHaveLength(2);
      },
    );

    test.each(FAMILIES)("what is refused outside is refused inside, IPv%i", async (family) => {
      expect(await ask("closed", family)).toEqual({ text: "", bytes: 0, how: "ECONNREFUSED" });
    });

    test.each(FAMILIES)(
      "each direction ends by itself, an RST is one, a server may speak first, IPv%i",
      async (family) => {
        expect(await ask("half-close", family)).toMatchObject({ text: "heard 100005", how: "end" });
        expect(await ask("reset", family)).toMatchObject({ how: "ECONNRESET" });
        expect(await ask("greeting", family)).toMatchObject({ text: GREETING, how: "end" });
      },
    );

    test.each(FAMILIES)("datagrams of every size come back, and pings, IPv%i", async (family) => {
      expect(await askDatagram("sizes", family)).toEqual({
        right: [0, 1, 512, 1200, 1472, 1473, 4000, 20_000, 65_000],
      });
      expect(await askDatagram("who", family)).toMatchObject({
        seen: expect.stringContaining(CLIENT[family]) as string,
      });
      const ping = await succeed(world.client, ["ping", "-c", "2", "-i", "0.1", "-W", "30", SERVER[family]]);
      expect(ping).toContain("2 packets transmitted, 2 received");
    });

    test("private, multicast and excluded destinations keep the way that they had", async () => {
      const wayOf = async (address: string): Promise<string> => succeed(world.client, ["ip", "route", "get", address]);
      for (const address of ["10.9.9.9", "192.168.1.1", "172.20.0.1", "169.254.9.9", "239.1.1.1", "198.51.100.7"]) {
        expect(await wayOf(address)).toContain(`dev ${uplink}`);
      }
      for (const address of [SERVER[4], "198.51.101.1", "1.1.1.1"])
        expect(await wayOf(address)).toContain(`dev ${ownDevice}`);
    });

    test("a reload leaves another destination alone, and leads in what was", async () => {
      const wayOf = async (address: string): Promise<string> => succeed(world.client, ["ip", "route", "get", address]);
      for (const excluded of ["203.0.112.0/24", "198.51.100.0/24"]) {
        await world.prepare(PROFILE.replace("198.51.100.0/24", excluded));
        await bunnel("reload");
        const isFirst = excluded.startsWith("198");
        expect(await wayOf("203.0.112.7")).toContain(`dev ${isFirst ? ownDevice : uplink}`);
        expect(await wayOf("198.51.100.7")).toContain(`dev ${isFirst ? uplink : ownDevice}`);
        expect(await page(4)).toBe("hello\n");
        await world.seen();
      }
    });

    test("IPv6 is led into the device as long as there is a way out for it", async () => {
      const routes = async (): Promise<boolean> =>
        (await succeed(world.client, ["ip", "-6", "route"])).includes(`2000::/3 dev ${ownDevice}`);
      expect(await routes()).toBe(true);
      for (const isThere of [false, true]) {
        running.child.kill("SIGWINCH");
        while ((await routes()) !== isThere) await Bun.sleep(20);
      }
      expect(await page(6)).toBe("hello\n");
      expect((await world.seen()).from).toBe(CLIENT[6]);
    });

    test("what goes into the device is held to the MTU of the uplink, also when that changes", async () => {
      const mtus = async (): Promise<readonly number[]> => {
        const link = await succeed(world.client, ["ip", "link", "show", "dev", ownDevice]);
        const ways = FAMILIES.map((family) => succeed(world.client, ["ip", "route", "get", SERVER[family]]));
        const mtuIn = (text: string): string | undefined => / mtu (\d+)/.exec(text)?.[1];
        return (await Promise.all(ways)).map((way) => Number(mtuIn(way) ?? mtuIn(link)));
      };
      expect(await mtus()).toEqual([MTU, MTU]);
      for (const mtuBytes of [NARROW_MTU, MTU]) {
        running.child.kill("SIGURG");
        while (!Bun.deepEquals(await mtus(), [mtuBytes, mtuBytes])) await Bun.sleep(20);
        expect(await page(4)).toBe("hello\n");
        await world.seen();
      }
    });

    test("when the default route leads to another uplink, connections and datagrams leave by that", async () => {
      running.child.kill("SIGUSR2");
      const uplinks = async (): Promise<unknown> =>
        (JSON.parse(await bunnel("status", "--json")) as { readonly uplinks: unknown }).uplinks;
      while (!Bun.deepEquals(await uplinks(), [otherUplink])) await Bun.sleep(50);
      for (const family of FAMILIES) {
        expect(await page(family)).toBe("hello\n");
        expect((await world.seen()).from).toBe(OTHER_CLIENT[family]);
        const seen = expect.stringContaining(OTHER_CLIENT[family]) as string;
        expect(await askDatagram("who", family)).toMatchObject({ seen });
      }
    });

    test("it has given up what it does not need, and said so", async () => {
      const lines = (await Bun.file(world.audit).text()).trimEnd().split("\n");
      const noted = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
      expect(noted.find(({ operation }) => operation === "drop privileges")).toMatchObject(system.givenUp);
    });

    test("bunnel status tells of it, and bunnel down ends it and leaves the network as before", async () => {
      expect(JSON.parse(await bunnel("status", "--json"))).toMatchObject({ running: true, device });
      expect(await bunnel("down")).toBe("bunnel is down\n");
      expect(await world.left(running)).toBe(running.before);
      expect(await running.child.exited).toBe(0);
    });

    test("killed at once it leaves nothing, and the next one starts", async () => {
      const killed = await world.up(service, PROFILE, words);
      expect(await page(4)).toBe("hello\n");
      killed.child.kill("SIGKILL");
      await killed.child.exited;
      expect(await devices()).not.toContain(ownDevice);
      expect(await bunnel("down")).toBe("bunnel was not running\n");
      await world.unlink();
      const next = await world.up(service, PROFILE, words);
      expect(await page(4)).toBe("hello\n");
      next.child.kill("SIGTERM");
      expect(await world.left(next)).toBe(next.before);
      expect(await next.child.exited).toBe(0);
    });
  });
}
