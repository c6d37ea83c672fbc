// needs root: namespaces, /dev/net/tun, nft, curl
// What happens to a service while traffic flows stops no traffic, with any reverse-path filter, and leaves nothing.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectHarmless, STRATEGY } from "../lab.ts";
import { Load } from "./load.ts";
import { Rig } from "./rig.ts";

setDefaultTimeout(240_000);

const PAGES = 4;
const RULES = (strategy: string): string =>
  `version = 1\n[[rule]]\nname = "all"\nhosts = []\nstrategy = "${strategy}"\n`;
/** The larger of "all" and the interface's own counts (ip-sysctl): for each case another. */
const CASES = [
  { method: "nft", rpFilter: 0 },
  { method: "nft", rpFilter: 1 },
  { method: "nft", rpFilter: 2 },
  { method: "rules", rpFilter: 0 },
  { method: "rules", rpFilter: 1 },
  { method: "rules", rpFilter: 2 },
] as const;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.open();
});
afterEach(() => rig?.[Symbol.asyncDispose]());

describe.each(CASES)("with method $method and rp_filter $rpFilter", ({ method, rpFilter }) => {
  test("kill -9, a start that sweeps, a reload, another start and the end", async () => {
    await rig.sh(`for i in all default eth0; do echo ${rpFilter} > /proc/sys/net/ipv4/conf/$i/rp_filter; done`);
    const before = await rig.network();
    const profile = rig.file("profile.toml");
    await Bun.write(profile, RULES(STRATEGY));
    const words = ["--profile", profile];
    const load = await Load.start(rig.lab);
    await load.more(PAGES);
    const first = await rig.up({ method, words });
    await load.more(PAGES);
    await first.service.kill();
    await load.more(PAGES);
    expectHarmless(await rig.network(), before);
    const second = await rig.up({ method, words, stateDir: first.stateDir });
    await load.more(PAGES);
    const { replaced } = await second.status();
    expect(replaced).toBeGreaterThan(0);
    await Bun.write(profile, RULES("tls: split(1) disorder  http: split(method+2)"));
    await rig.bunnel(["reload"], second);
    await load.more(PAGES);
    expect((await second.status()).replaced).toBeGreaterThan(replaced);
    expect((await second.service.stop()).status).toBe(0);
    expect(await rig.network()).toEqual(before);
    await load.more(PAGES);
    await load.expectWhole();
  });
});
