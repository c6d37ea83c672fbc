// needs root: namespaces, /dev/net/tun, nft, curl
// The network changes under a service that runs: it follows, and what it rewrites goes on being rewritten.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { METHODS } from "../lab.ts";
import type { NetworkState } from "../lab.ts";
import { expectSoon, Rig, type Running } from "./rig.ts";

setDefaultTimeout(240_000);

describe.each(METHODS)("with method %s", (method) => {
  let rig: Rig;
  let running: Running;
  let before: NetworkState;

  beforeAll(async () => {
    rig = await Rig.open();
    await rig.addSecondWay();
    before = await rig.network();
    running = await rig.up({ method });
  });
  afterAll(() => rig?.[Symbol.asyncDispose]());

  const uplinks = async (): Promise<readonly string[]> => (await running.status()).uplinks;
  const deviceMtu = async (): Promise<number> => {
    const { device } = await running.status();
    const [link] = JSON.parse(await rig.sh(`ip -j link show ${device}`)) as readonly { readonly mtu: number }[];
    return link?.mtu ?? 0;
  };
  const isServed = (): Promise<boolean> =>
    rig.expectServed().then(
      () => true,
      () => false,
    );
  /** Soon a page of each family comes, as the service has followed then, and its hello goes through our hands. */
  const expectRewritten = async (): Promise<void> => {
    await expectSoon(isServed, true);
    const { replaced } = await running.status();
    await rig.expectServed();
    expect((await running.status()).replaced).toBeGreaterThanOrEqual(replaced + 2);
  };

  /** Changes the network; prints how long that was known after it was done, and when the first page came. */
  const expectFollowed = async (what: string, words: string, expected: readonly string[]): Promise<void> => {
    await rig.sh(words);
    const begin = performance.now();
    const since = (): number => Math.round(performance.now() - begin);
    await expectSoon(uplinks, expected);
    const followed = since();
    await rig.expectServed([4]);
    console.log(`followed: ${method}, ${what}: known after ${followed} ms, a page after ${since()} ms`);
    await expectRewritten();
  };

  test("a second default route makes a second uplink", async () => {
    await expectFollowed("a second default route", rig.defaults("add", "eth1", 5000), ["eth0", "eth1"]);
  });

  test("the default route moves to another interface", async () => {
    await expectFollowed("the default route moves", rig.defaults("del", "eth0"), ["eth1"]);
  });

  test("its MTU changes, and ours with it", async () => {
    await rig.sh("ip link set eth1 mtu 1400");
    await expectSoon(deviceMtu, 1400);
    await expectRewritten();
    await rig.sh("ip link set eth1 mtu 1500");
    await expectSoon(deviceMtu, 1500);
  });

  test("it loses its address and gets another", async () => {
    await rig.sh("ip address del 198.18.1.2/24 dev eth1; ip -6 address del 2001:db8:9::2/64 dev eth1");
    await rig.sh("ip address add 198.18.1.3/24 dev eth1; ip -6 address add 2001:db8:9::3/64 dev eth1 nodad");
    // The routes of an address go with it.
    await rig.sh("ip route replace default via 198.18.1.1; ip -6 route replace default via 2001:db8:9::1");
    await expectSoon(uplinks, ["eth1"]);
    await expectRewritten();
  });

  test("the link goes down and comes back", async () => {
    await rig.sh("ip link set eth1 down");
    await rig.sh("ip link set eth1 up; ip address replace 2001:db8:9::3/64 dev eth1 nodad");
    await rig.sh("ip route replace default via 198.18.1.1; ip -6 route replace default via 2001:db8:9::1");
    await expectSoon(uplinks, ["eth1"]);
    await expectRewritten();
  });

  test("the interface vanishes, and the first one is the way again", async () => {
    await rig.sh("ip link del eth1");
    await rig.sh(rig.defaults("add", "eth0"));
    await expectSoon(uplinks, ["eth0"]);
    await expectRewritten();
  });

  test("somebody removes rules and routes: they are put back", async () => {
    const present = (): Promise<string> =>
      rig.sh("for f in 4 6; do ip -$f rule show pref 9000; ip -$f route show table 4000; done");
    const intact = await present();
    expect(intact.split("lookup 4000")).toHaveLength(3);
    await rig.sh("for f in 4 6; do ip -$f rule del pref 9000; ip -$f route flush table 4000; done");
    await expectSoon(present, intact);
    await expectRewritten();
  });

  test("somebody takes the device down: it is brought up again, with its routes", async () => {
    const { device } = await running.status();
    const routes = (): Promise<string> => rig.sh("for f in 4 6; do ip -$f route show table 4000; done");
    const intact = await routes();
    expect(intact).toContain(device);
    await rig.sh(`ip link set ${device} down`);
    await expectSoon(routes, intact);
    await expectRewritten();
  });

  test("the end leaves what was there before, but for the interface that vanished", async () => {
    expect((await running.service.stop()).status).toBe(0);
    const after = await rig.network();
    const without = (lines: readonly string[]): string[] =>
      lines.map((line) => line.trimEnd()).filter((line) => !/eth1|198\.18|db8:9:/u.test(line));
    expect(after.rules).toEqual(before.rules);
    expect(after.nft).toBe(before.nft);
    expect(without(after.links)).toEqual(without(before.links));
    expect(without(after.routes)).toEqual(without(before.routes));
    expect(without(after.settings)).toEqual(without(before.settings));
    await rig.expectServed();
  });
});
