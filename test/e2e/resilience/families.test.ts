// needs root: namespaces, /dev/net/tun, nft, curl, dig
// Networks of one family, and one that gets its second family while the service runs.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { serverAddress } from "@bunnel/lab/live";
import { METHODS, succeed } from "../lab.ts";
import { expectSoon, Rig, ROUTERS } from "./rig.ts";

setDefaultTimeout(240_000);

const WITHOUT_IPV6 =
  "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6";
const WITHOUT = {
  /** Switched off for the whole machine, as people do. */
  6: WITHOUT_IPV6,
  /** As on a network of IPv6 alone: only the loopback has the other. */
  4: "ip -4 address flush dev eth0",
} as const;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.open();
});
afterEach(() => rig?.[Symbol.asyncDispose]());

describe.each(METHODS)("with method %s", (method) => {
  test.each([
    [4, 6],
    [6, 4],
  ] as const)("a network of IPv%i alone", async (family, missing) => {
    await rig.sh(WITHOUT[missing]);
    const before = await rig.network();
    const running = await rig.up({ method });
    for (const scheme of ["https", "http"] as const) await rig.expectServed([family], scheme);
    const dig = ["dig", `@${serverAddress(family)}`, "+short", "+time=2", "+tries=2", "www.example.org", "A"];
    expect(await succeed(rig.lab.client, dig)).toBe(`${serverAddress(4)}\n`);
    const { status, report } = await running.service.stop();
    expect(status).toBe(0);
    expect(report).toMatchObject({ replaced: 2, egressRefused: 0 });
    expect(await rig.network()).toEqual(before);
  });

  test("a network of IPv6 alone that gets IPv4 too", async () => {
    await rig.sh(WITHOUT[4]);
    const running = await rig.up({ method });
    await rig.expectServed([6]);
    await rig.sh(`ip address add 192.0.2.2/24 dev eth0; ip route add default via ${ROUTERS.eth0[4]}`);
    await expectSoon(async () => (await rig.sh("ip -4 route show table 4000")).includes("default"), true);
    await rig.expectServed([4, 6]);
    expect((await running.service.stop()).report).toMatchObject({ replaced: 3 });
  });
});
