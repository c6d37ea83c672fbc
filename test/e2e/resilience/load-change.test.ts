// needs root: namespaces, /dev/net/tun, nft, curl
// The network changes under a service while traffic flows: no page and no octet of a download is lost.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { METHODS } from "../lab.ts";
import { Load } from "./load.ts";
import { expectSoon, Rig } from "./rig.ts";

setDefaultTimeout(240_000);

const PAGES = 4;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.open();
});
afterEach(() => rig?.[Symbol.asyncDispose]());

describe.each(METHODS)("with method %s", (method) => {
  test("the network changes while traffic flows", async () => {
    await rig.addSecondWay();
    const before = await rig.network();
    const running = await rig.up({ method });
    const load = await Load.start(rig.lab);
    await load.more(PAGES);
    // Connections keep their address; both ways lead to the router that knows it.
    await rig.sh(rig.defaults("add", "eth1", 5));
    await expectSoon(async () => (await running.status()).uplinks, ["eth0", "eth1"]);
    await load.more(PAGES);
    await rig.sh("ip link set eth0 mtu 1400; ip address add 198.18.2.2/24 dev eth0");
    await load.more(PAGES);
    await rig.sh("ip link set eth0 mtu 1500; ip address del 198.18.2.2/24 dev eth0");
    await rig.sh(rig.defaults("del", "eth1", 5));
    await expectSoon(async () => (await running.status()).uplinks, ["eth0"]);
    await load.more(PAGES);
    await load.expectWhole();
    expect((await running.service.stop()).status).toBe(0);
    expect(await rig.network()).toEqual(before);
  });
});
