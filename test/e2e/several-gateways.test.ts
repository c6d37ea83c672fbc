// needs root: namespaces, /dev/net/tun, nft, curl. Two gateways beside each other that know nothing of one another:
//
//            ┌── first ──┐
//   lan ─────┤           ├──── client ── the rest of the lab
//            └── second ─┘
//
// The machine of the lan has one address and two ways of the same worth. What the lab calls its client is a plain
// router here, which has one way back: by the first.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { BLOCKED_NAME, type ClientCalls, contentDigest, LabHost, type LiveLab } from "@bunnel/lab/live";
import { serverAddress, Service } from "@bunnel/lab/live";
import { NetworkNamespace } from "@bunnel/tun-linux";
import { PROGRAM } from "../cli/run.ts";
import { createLab, STRATEGY, succeed } from "./lab.ts";

setDefaultTimeout(240_000);

const FAMILIES = [4, 6] as const;
const CHILD = fileURLToPath(new URL("../../packages/lab/src/live/child.ts", import.meta.url));
const ECHO = 7;
const CONNECTIONS = 12;
const PROFILE = `[gateway]\ninterfaces = ["lan0"]\n[[rule]]\nname = "all"\nstrategy = "${STRATEGY}"\n`;
/** Of the machine of the lan, by whichever way. */
const ADDRESS = { 4: "198.18.7.2", 6: "2001:db8:77::2" } as const;

let lab: LiveLab;
let lan: LabHost;
let gateways: readonly [LabHost, LabHost];

beforeAll(async () => {
  lab = await createLab();
  [lan, ...gateways] = ["lan", "first", "second"].map(() => new LabHost("client", NetworkNamespace.create())) as [
    LabHost,
    LabHost,
    LabHost,
  ];
  await sh(
    lan,
    `sysctl -qw net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1
    for family in ipv4 ipv6; do
      sysctl -qw net.$family.conf.{all,default}.ignore_routes_with_linkdown=1
    done
    ip link set lo up; ip addr add ${ADDRESS[4]}/32 dev lo; ip addr add ${ADDRESS[6]}/128 dev lo nodad`,
  );
  for (const [index, gateway] of gateways.entries()) await place(gateway, index + 1);
  await sh(
    lan,
    `ip route add default src ${ADDRESS[4]} nexthop via 198.18.71.1 nexthop via 198.18.72.1
    ip -6 route add default src ${ADDRESS[6]} nexthop via 2001:db8:71::1 nexthop via 2001:db8:72::1`,
  );
  await sh(
    lab.client,
    `sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    ip route add ${ADDRESS[4]} via 198.18.81.1; ip -6 route add ${ADDRESS[6]} via 2001:db8:81::1`,
  );
  await sh(lab.censor, `ip route add ${ADDRESS[4]} via 192.0.2.2; ip -6 route add ${ADDRESS[6]} via 2001:db8:1::2`);
});

afterAll(async () => {
  await Promise.all([lan, ...gateways].map((host) => host[Symbol.asyncDispose]()));
  await lab[Symbol.asyncDispose]();
});

const sh = (host: LabHost, script: string): Promise<string> => succeed(host, ["bash", "-ec", script]);

/** Puts a gateway between the lan and the router behind it. */
async function place(gateway: LabHost, number: number): Promise<void> {
  await sh(
    gateway,
    `ip link set lo up; sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    ip link add lan0 type veth peer name way${number} netns ${lan.namespace.path}
    ip link add eth0 type veth peer name way${number} netns ${lab.client.namespace.path}
    ip addr add 198.18.7${number}.1/24 dev lan0; ip addr add 2001:db8:7${number}::1/64 dev lan0 nodad
    ip addr add 198.18.8${number}.1/24 dev eth0; ip addr add 2001:db8:8${number}::1/64 dev eth0 nodad
    ip link set lan0 up; ip link set eth0 up`,
  );
  for (const [host, net] of [
    [lan, 7],
    [lab.client, 8],
  ] as const) {
    await sh(
      host,
      `ip addr add 198.18.${net}${number}.2/24 dev way${number}
      ip addr add 2001:db8:${net}${number}::2/64 dev way${number} nodad; ip link set way${number} up`,
    );
  }
  await sh(
    gateway,
    `ip route add default via 198.18.8${number}.2; ip -6 route add default via 2001:db8:8${number}::2
    ip route add ${ADDRESS[4]} via 198.18.7${number}.2; ip -6 route add ${ADDRESS[6]} via 2001:db8:7${number}::2`,
  );
}

function start(): Promise<Service[]> {
  return Promise.all(gateways.map((gateway) => Service.start(gateway, PROGRAM, { profile: PROFILE })));
}

/** What becomes of so many pages of the name that the censor blocks, one connection each, both families. */
function pages(count: number, timeoutMs = 5000): Promise<string[]> {
  const orders = FAMILIES.flatMap((family) => Array.from({ length: count / 2 }, () => family));
  return Promise.all(
    orders.map(async (family) => {
      return (await lab.fetch({ host: BLOCKED_NAME, scheme: "https", family, from: lan, timeoutMs })).outcome;
    }),
  );
}

const served = (count: number) => Array.from({ length: count }, () => "served");

/** Pages are served by both together. Messages that each of them has rewritten for that. */
async function serve(): Promise<number[]> {
  const services = await start();
  const outcomes = await pages(24);
  const ends = await Promise.all(services.map((service) => service.stop()));
  expect(outcomes).toEqual(served(24));
  return ends.map(({ report }) => Number(report?.["replaced"]));
}

describe("two gateways of the same worth, with answers by the first alone", () => {
  beforeEach(() => lab.setCensor("packet"));

  test("serve what is spread over them by flow", async () => {
    // The server gives up after five seconds, by a reset.
    expect(new Set(await pages(4, 3000))).toEqual(new Set(["blocked"]));
    expect(await serve()).not.toContain(0);
  });

  test("serve what is spread over them packet by packet", async () => {
    // Every other packet has a mark, and with it the other way.
    const spread = `table inet spread {
      chain out { type route hook output priority mangle; policy accept; meta mark set numgen inc mod 2 offset 1; }
    }`;
    await succeed(lan, ["nft", "-f", "/dev/stdin"], new TextEncoder().encode(spread));
    const each = (command: string) => sh(lan, `for way in 1 2; do for family in -4 -6; do ${command}; done; done`);
    await each("ip $family rule add fwmark $way lookup 10$way");
    for (const way of [1, 2]) {
      await sh(
        lan,
        `ip route add default via 198.18.7${way}.1 table 10${way}
        ip -6 route add default via 2001:db8:7${way}::1 table 10${way}`,
      );
    }
    expect(await serve()).not.toContain(0);
    await sh(lan, "nft delete table inet spread");
    await each("ip $family rule del fwmark $way");
  });

  test("lose no connection when one of them goes: its program, and then the whole machine", async () => {
    const child = await lan.open<ClientCalls>([process.execPath, CHILD, "client"]);
    const [first, second] = (await start()) as [Service, Service];
    const ids = await Promise.all(
      Array.from({ length: CONNECTIONS }, (_, index) =>
        child.call("open", { address: serverAddress(index % 2 === 0 ? 4 : 6), port: ECHO }),
      ),
    );
    const exchange = () => Promise.all(ids.map((id) => child.call("exchange", { id, text: `says ${id}` })));
    const echoed = ids.map((id) => `says ${id}`);
    expect(await exchange()).toEqual(echoed);
    const bytes = 5_000_000;
    const script = `curl -sS --fail --cacert /dev/stdin --limit-rate 3M \
      --resolve ${BLOCKED_NAME}:443:${serverAddress(4)} https://${BLOCKED_NAME}/bytes/${bytes} | sha256sum`;
    const downloads = Promise.all(
      ids.map(() => succeed(lan, ["bash", "-c", script], new TextEncoder().encode(lab.authority))),
    );
    const before = await forwardedBy(gateways[1]);
    while ((await forwardedBy(gateways[1])) - before < 100) await Bun.sleep(10);
    await second.kill();
    expect(await exchange()).toEqual(echoed);
    await sh(gateways[1], "ip link set lan0 down; ip link set eth0 down");
    expect(await exchange()).toEqual(echoed);
    const digest = contentDigest(bytes);
    expect((await downloads).map((line) => line.slice(0, 64))).toEqual(ids.map(() => digest));
    expect(await pages(8)).toEqual(served(8));
    await first.stop();
  });
});

/** Packets that a gateway got from the lan. */
async function forwardedBy(gateway: LabHost): Promise<number> {
  const [link] = JSON.parse(await sh(gateway, "ip -s -j link show lan0")) as [{ stats64: { rx: { packets: number } } }];
  return link.stats64.rx.packets;
}
