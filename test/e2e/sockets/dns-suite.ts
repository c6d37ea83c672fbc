// What holds of DNS on every system that carries everything by sockets: programs ask as ever, a real resolver answers
// over HTTPS, by connections that come up into the device themselves, and whoever stands on the way hears nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { BLOCKED_NAME } from "@bunnel/lab/live";
import { PROGRAM } from "../../cli/run.ts";
import { succeed } from "../lab.ts";
import { DOH_NAME, DOH_PORT, startUnbound, TRUE_V4, TRUE_V6, type Unbound } from "../unbound.ts";
import { Injector } from "./injector.ts";
import { CLIENT, FORGED, OTHER_CLIENT, RESOLVER, SERVER } from "./plan.ts";
import type { PlayedSystem } from "./suite.ts";
import { SocketsWorld, type Running } from "./world.ts";

const FAMILIES = [4, 6] as const;
/** Left alone by the profile: what is asked of them leaves as it is. */
const PLAIN = { 4: "198.51.100.7", 6: "2001:db8:77::7" } as const;
const TYPES = { 4: "A", 6: "AAAA" } as const;
const TRUE = { 4: TRUE_V4, 6: TRUE_V6 } as const;

/** `name` is the one that the resolver's certificate has to be for. */
export function profileOf(authority: string, name: string = DOH_NAME): string {
  const upstream = `https://${name}:${DOH_PORT}/dns-query ${RESOLVER[4]} ${RESOLVER[6]}`;
  return `
[interception]
exclude = ["198.51.100.0/24", "2001:db8:77::/48"]

[dns]
upstreams = [${JSON.stringify(upstream)}]
certificates_file = ${JSON.stringify(authority)}
timeout_ms = 15000

[[rule]]
name = "dns"
strategy = "dns: doh  tls: tlsrec(sniext+1)"
`;
}

export function answersByHttps(system: PlayedSystem): void {
  describe(`dns: doh in front of ${system.name}`, () => {
    let world: SocketsWorld;
    let unbound: Unbound;
    let injector: Injector;
    let running: Running;

    beforeAll(async () => {
      world = new SocketsWorld();
      const words = system.words?.(world.folder) ?? [];
      await world.addAddresses();
      unbound = await startUnbound(world.server, join(world.folder, "unbound"));
      injector = await Injector.start(world.server);
      running = await world.up(system.service, profileOf(unbound.authorityPath), words);
    });

    afterAll(async () => {
      await world?.[Symbol.asyncDispose]();
    });

    const dig = async (...words: readonly string[]): Promise<string> =>
      (await world.client.run(["dig", "+time=30", "+tries=1", ...words], { timeoutMs: 60_000 })).stdout;

    /** The records of an answer, one a line. */
    const short = async (server: string, name: string, type: string, ...words: string[]): Promise<string[]> => {
      const printed = await dig(`@${server}`, "+short", ...words, name, type);
      return printed.split("\n").filter((line) => line !== "");
    };

    const bunnel = async (...words: string[]): Promise<unknown> =>
      JSON.parse(await succeed(world.client, [...PROGRAM, ...words, "--json", "--state-dir", world.stateDir]));

    const reload = async (profile: string): Promise<void> => {
      await world.prepare(profile);
      await bunnel("reload");
    };

    test.each(FAMILIES)("what leaves as it is, is answered by the injector, IPv%i", async (family) => {
      expect(await short(PLAIN[family], BLOCKED_NAME, "A")).toEqual([FORGED[4]]);
      expect(await short(PLAIN[family], BLOCKED_NAME, "AAAA", "+tcp")).toEqual([FORGED[6]]);
      expect(await injector.heard()).toBeGreaterThan(0);
    });

    test.each(FAMILIES)("a blocked name has its true addresses, by UDP and TCP, IPv%i", async (family) => {
      const before = await injector.heard();
      for (const asked of FAMILIES) {
        for (const words of [[], ["+tcp"]]) {
          expect(await short(SERVER[family], BLOCKED_NAME, TYPES[asked], ...words)).toEqual([TRUE[asked]]);
        }
      }
      expect(await injector.heard()).toBe(before);
    });

    test("HTTPS records, signatures and names that do not exist come through", async () => {
      const https = [`1 . alpn="h2" ipv4hint=${TRUE_V4}`];
      expect(await short(SERVER[4], BLOCKED_NAME, "HTTPS")).toEqual(https);
      expect(await dig(`@${SERVER[6]}`, "+dnssec", BLOCKED_NAME, "A")).toMatch(/RRSIG\s+A 13 3/);
      expect(await dig(`@${SERVER[4]}`, "nowhere.example.org")).toContain("status: NXDOMAIN");
    });

    test.each(FAMILIES)("a large answer comes in one datagram to who takes it, or by TCP, IPv%i", async (family) => {
      const large = ["big.example.org", "TXT"];
      const printed = await dig(`@${SERVER[family]}`, "+ignore", "+bufsize=4096", ...large);
      expect(printed).toContain("ANSWER: 12");
      expect(printed).not.toMatch(/flags:[a-z ]* tc/);
      expect(await dig(`@${SERVER[family]}`, "+bufsize=1232", ...large)).toMatch(/ANSWER: 12[^]*\(TCP\)/);
    });

    test("curl is served by a blocked site's name", async () => {
      await Bun.write(join(world.folder, "resolv.conf"), `nameserver ${SERVER[4]}\noptions edns0\n`);
      const mount = `mount --bind ${join(world.folder, "resolv.conf")} /etc/resolv.conf`;
      const curl = `curl -sS -m 60 --cacert ${world.authority} https://${BLOCKED_NAME}/`;
      const command = ["unshare", "--mount", "--", "sh", "-c", `${mount} && ${curl}`];
      expect(await succeed(world.client, command)).toBe("hello\n");
      expect((await world.seen()).records).toHaveLength(2);
    });

    test("the resolver was asked over HTTPS, by connections that came up and were treated like any other", async () => {
      const asked = (await unbound.figures()).get("num.query.https") ?? 0;
      const status = (await bunnel("status")) as Status;
      expect(status.dns).toMatchObject({ failed: 0, fellBack: 0, upstreams: [{ answered: asked, failed: 0 }] });
      expect(asked).toBeGreaterThan(0);
      expect(status.streamed["treated"]).toBeGreaterThan(1);
      expect(await world.asked(DOH_PORT)).toEqual(expect.arrayContaining([CLIENT[4]]) as string[]);
    });

    test("another uplink is taken: names are found by it", async () => {
      running.child.kill("SIGUSR2");
      const uplinks = async (): Promise<unknown> => ((await bunnel("status")) as Status).uplinks;
      while (!Bun.deepEquals(await uplinks(), [system.otherUplink])) await Bun.sleep(50);
      const names = ["allowed", "video", "other"];
      for (const name of names) expect(await dig(`@${SERVER[4]}`, `${name}.example.org`)).toContain("status: NXDOMAIN");
      expect(await world.asked(DOH_PORT)).toEqual(expect.arrayContaining([OTHER_CLIENT[4]]) as string[]);
    });

    test("a resolver that is somebody else is not believed, and nobody is asked instead", async () => {
      const before = await injector.heard();
      await reload(profileOf(unbound.authorityPath, "other.example.org"));
      for (const words of [[], ["+tcp"]]) {
        const printed = await dig(`@${SERVER[4]}`, ...words, BLOCKED_NAME, "A");
        expect(printed).toContain("status: SERVFAIL");
      }
      const { dns } = (await bunnel("status")) as Status;
      expect(dns.upstreams[0]?.lastFailure).toContain("certificate");
      expect(await injector.heard()).toBe(before);
      await reload(profileOf(unbound.authorityPath));
      expect(await short(SERVER[6], BLOCKED_NAME, "A")).toEqual([TRUE_V4]);
    });

    test("with dns: drop a name is not found, and nothing leaves", async () => {
      const before = await injector.heard();
      await reload(profileOf(unbound.authorityPath).replace("dns: doh", "dns: drop"));
      const printed = await dig(`@${SERVER[4]}`, "+time=1", BLOCKED_NAME, "A");
      expect(printed).toContain("no servers could be reached");
      expect(await injector.heard()).toBe(before);
    });
  });
}

interface Status {
  readonly uplinks: readonly string[];
  readonly streamed: Readonly<Record<string, number>>;
  readonly dns: { readonly upstreams: readonly { readonly lastFailure?: string }[] };
}
