// needs root: namespaces, /dev/net/tun, nft, nginx, curl
// Another program on the machine is a VPN with a TUN device of its own: what it takes stays its own, what it sends is
// not looked at, and both can end in any order.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { BLOCKED_NAME, serverAddress } from "@bunnel/lab/live";
import { get, METHODS, succeed } from "../lab.ts";
import { type Nginx, NGINX_PORT, startNginx } from "../nginx.ts";
import { Rig } from "./rig.ts";

setDefaultTimeout(240_000);

const PORT = 51820;
/** The far end of the VPN is the plain router before the server. */
const PROVIDER = "198.51.100.2";
const INSIDE = "198.18.7.2";
/** As wg-quick(8) marks what it sends, so that it does not take it again. */
const MARK = "0xca6c";

/** As OpenVPN and others do it: two halves that are narrower than a default route. */
const HALVES =
  `ip route add ${PROVIDER} via 192.0.2.1; ` + `ip route add 0.0.0.0/1 dev vpn0; ip route add 128.0.0.0/1 dev vpn0`;

/** As wg-quick does it: a table of its own for all that it has not sent itself. */
const POLICY =
  `nft add table inet vpn; nft 'add chain inet vpn out { type route hook output priority -150; }'; ` +
  `nft add rule inet vpn out udp dport ${PORT} meta mark set ${MARK}; ` +
  `ip route add default dev vpn0 table 51820; ip rule add not fwmark ${MARK} table 51820 pref 32764; ` +
  `ip rule add table main suppress_prefixlength 0 pref 32763`;

let rig: Rig;
let nginx: Nginx;
beforeEach(async () => {
  rig = await Rig.open();
  const { client, hop, server } = rig.lab;
  nginx = await startNginx(server, rig.file("nginx"));
  const ends = [
    hop.spawn([process.execPath, `${import.meta.dir}/vpn-end.ts`, "vpn1", "198.18.7.1/24", String(PORT), "192.0.2.2"]),
    client.spawn([process.execPath, `${import.meta.dir}/vpn-end.ts`, "vpn0", `${INSIDE}/24`, String(PORT), PROVIDER]),
  ];
  for (const end of ends) {
    const { value } = await end.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toStartWith("ready");
  }
});
afterEach(() => rig?.[Symbol.asyncDispose]());

/** The address from which the server sees the client. */
async function seenFrom(): Promise<string> {
  const { authority } = nginx;
  const target = { family: 4, scheme: "https", port: NGINX_PORT, host: BLOCKED_NAME, authority } as const;
  return (await get(rig.lab, target, "/who")).split(" ")[2] ?? "";
}

const CASES = [
  ...METHODS.map((method) => ({ method, kind: "halves", take: HALVES }) as const),
  { method: "nft", kind: "a policy rule and a mark", take: POLICY },
] as const;

describe.each(CASES)("a VPN by $kind, method $method", ({ method, take }) => {
  test("takes its traffic past us, whoever came first", async () => {
    expect(await seenFrom()).toBe("192.0.2.2");
    const first = await rig.up({ method });
    await rig.sh(take);
    expect(await seenFrom()).toBe(INSIDE);
    // IPv6 goes the ordinary way, and there we are.
    await rig.expectServed([6]);
    const status = await first.status();
    expect(status.replaced).toBe(1);
    expect((await first.service.stop()).status).toBe(0);
    expect(await seenFrom()).toBe(INSIDE);
    const before = await rig.network();
    const second = await rig.up({ method });
    expect(await seenFrom()).toBe(INSIDE);
    const { packetsIn } = await second.status();
    await succeed(rig.lab.client, ["ping", "-c", "3", "-i", "0.1", "-W", "2", serverAddress(4)]);
    // Neither what it takes nor what it sends comes up.
    expect((await second.status()).packetsIn).toBe(packetsIn);
    expect((await second.service.stop()).status).toBe(0);
    expect(await rig.network()).toEqual(before);
  });
});
