// What holds on every system that carries everything by sockets, from outside: real programs, real servers.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { GREETING, type Question } from "../stream-peer.ts";
import type { DatagramQuestion } from "../datagram-peer.ts";
import { succeed } from "../lab.ts";
import { PROGRAM } from "../../cli/run.ts";
import { CLIENT, HOST, OTHER_CLIENT, SERVER, TLS_PORT } from "./plan.ts";
import { SocketsWorld, type Running } from "./world.ts";

setDefaultTimeout(120_000);

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
}

export function carriesBySockets({ name, service, device, ownDevice, uplink, otherUplink }: PlayedSystem): void {
  describe(`bunnel up in front of ${name}`, () => {
    let world: SocketsWorld;
    let running: Running;

    beforeAll(async () => {
      world = new SocketsWorld();
      running = await world.up(service, PROFILE);
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
      const words = ["-sS", "-m", "60", "--cacert", world.authority, "--connect-to", `::${to}:${TLS_PORT}`];
      return succeed(world.client, ["curl", ...words, `https://${HOST}/`]);
    };

    const bunnel = (...words: string[]): Promise<string> =>
      succeed(world.client, [...PROGRAM, ...words, "--state-dir", world.stateDir]);

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

    test("bunnel status tells of it, and bunnel down ends it and leaves the network as before", async () => {
      expect(JSON.parse(await bunnel("status", "--json"))).toMatchObject({ running: true, device });
      expect(await bunnel("down")).toBe("bunnel is down\n");
      expect(await world.left(running)).toBe(running.before);
      expect(await running.child.exited).toBe(0);
    });

    test("killed at once it leaves nothing, and the next one starts", async () => {
      const killed = await world.up(service, PROFILE);
      expect(await page(4)).toBe("hello\n");
      killed.child.kill("SIGKILL");
      await killed.child.exited;
      expect(await devices()).not.toContain(ownDevice);
      expect(await bunnel("down")).toBe("bunnel was not running\n");
      await world.unlink();
      const next = await world.up(service, PROFILE);
      expect(await page(4)).toBe("hello\n");
      next.child.kill("SIGTERM");
      expect(await world.left(next)).toBe(next.before);
      expect(await next.child.exited).toBe(0);
    });
  });
}
