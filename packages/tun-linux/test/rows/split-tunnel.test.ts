// needs root
// Which traffic takes the device, and what happens to it when the device is gone. Beyond both anchors.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { PacketPort } from "@bunnel/device";
import { NetworkNamespace, RouteNetlink, type LinuxTun, type RuleSpec } from "../../src/index.ts";
import { runInside } from "../witness.ts";
import { procCounters, quietDevice } from "./witness.ts";

const TABLE = 4000;
const PRIORITY = 9000;
const ROUTER = "192.0.2.254";
/** A host behind the router. */
const HOST = "203.0.113.9";
const UID = 54321;

// here: up0 192.0.2.1, vpn0 ── there: 192.0.2.254, 203.0.113.9
let here: NetworkNamespace;
let there: NetworkNamespace;
let tun: LinuxTun;
let netlink: RouteNetlink;
beforeEach(() => {
  here = NetworkNamespace.create();
  there = NetworkNamespace.create();
  netlink = here.run(() => RouteNetlink.open());
  netlink.addLink({ kind: "veth", name: "up0", peer: { name: "far0", namespaceFd: there.fd } });
  // Nothing leaves by it but what is sent here.
  netlink.setLink(indexOf("up0"), { ipv6LinkLocal: "none", up: true });
  netlink.addAddress(indexOf("up0"), "192.0.2.1/24");
  runInside(
    there,
    "sh",
    "-ec",
    `ip addr add ${ROUTER}/24 dev far0; ip addr add ${HOST}/32 dev lo; ip link set far0 up`,
  );
  netlink.addRoute({ gateway: ROUTER });
  tun = quietDevice(here, { name: "vpn0", addresses: ["198.51.100.1/24"] });
});
afterEach(() => {
  tun.close();
  netlink.close();
  here.close();
  there.close();
});

function indexOf(name: string): number {
  return netlink.link(name)?.index ?? 0;
}

/** Seconds that an answer has; nobody answers what comes up to the device. */
const ANSWER_SECONDS = 5;
const SILENCE_SECONDS = 0.3;

/** Whether a ping is answered, whether it came up to the device, and how many packets left by the uplink meanwhile. */
function ping(destination: string, seconds: number, ...prefix: string[]) {
  const before = procCounters(here, "up0").sentPackets;
  const { exitCode } = here.run(() => Bun.spawnSync([...prefix, "ping", "-n", "-c1", `-W${seconds}`, destination]));
  const out = procCounters(here, "up0").sentPackets - before;
  const up = new PacketPort(tun).tryRead()?.subarray(16, 20).join(".");
  return { answered: exitCode === 0, up, out };
}

function wayOf(...words: string[]): unknown {
  const [route] = JSON.parse(runInside(here, "ip", "-j", "route", "get", ...words)) as { readonly dev?: string }[];
  return route?.dev;
}

describe("a split tunnel", () => {
  test("by destination: a route of its own takes the device, the rest goes out as ever", () => {
    netlink.addRoute({ destination: "203.0.113.0/25", index: tun.index });
    expect([wayOf(HOST), wayOf(ROUTER), wayOf("203.0.113.200")]).toEqual(["vpn0", "up0", "up0"]);
    expect(ping(HOST, SILENCE_SECONDS)).toEqual({ answered: false, up: HOST, out: 0 });
    expect(ping(ROUTER, ANSWER_SECONDS)).toMatchObject({ answered: true, up: undefined });
  });

  test.each<[string, Omit<RuleSpec, "family" | "priority">, string[], string[]]>([
    ["user", { uidRange: [UID, UID] }, ["uid", String(UID)], ["uid", "0"]],
    ["mark", { mark: 7 }, ["mark", "7"], ["mark", "8"]],
    ["protocol and port", { ipProtocol: 6, destinationPorts: [443, 443] }, ["dport", "443"], ["dport", "80"]],
    ["source", { from: "192.0.2.1/32" }, ["from", "192.0.2.1"], []],
  ])("by %s: a rule sends it to a table of its own", (_, selector, inside, outside) => {
    netlink.addRoute({ index: tun.index, table: TABLE, family: 4 });
    netlink.addRule({ family: 4, priority: PRIORITY, ...selector, table: TABLE });
    const protocol = selector.ipProtocol === undefined ? [] : ["ipproto", "tcp"];
    expect([wayOf(HOST, ...protocol, ...inside), wayOf(HOST, ...protocol, ...outside)]).toEqual(["vpn0", "up0"]);
  });

  test("of one user is seen in that user's packets alone", () => {
    netlink.addRoute({ index: tun.index, table: TABLE, family: 4 });
    netlink.addRule({ family: 4, priority: PRIORITY, uidRange: [UID, UID], table: TABLE });
    expect(ping(HOST, ANSWER_SECONDS)).toMatchObject({ answered: true, up: undefined });
    runInside(here, "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647");
    const asUser = ["setpriv", "--reuid", String(UID), "--regid", String(UID), "--clear-groups"];
    expect(ping(HOST, SILENCE_SECONDS, ...asUser)).toEqual({ answered: false, up: HOST, out: 0 });
  });
});

describe("a kill switch", () => {
  test("stays when the device is gone: nothing leaves by the uplink, and the sender is told at once", () => {
    netlink.addRule({ family: 4, priority: PRIORITY, table: TABLE });
    netlink.addRoute({ index: tun.index, table: TABLE, family: 4, metric: 1 });
    netlink.addRoute({ type: "prohibit", table: TABLE, family: 4, metric: 2 });
    expect(ping(HOST, SILENCE_SECONDS)).toEqual({ answered: false, up: HOST, out: 0 });
    tun.close();
    const before = procCounters(here, "up0").sentPackets;
    // Without the switch it would be answered; with it, a socket cannot even be connected.
    expect(here.run(() => Bun.spawnSync(["ping", "-n", "-c1", "-W1", HOST])).exitCode).not.toBe(0);
    expect(() => wayOf(HOST)).toThrow("Permission denied");
    expect(procCounters(here, "up0").sentPackets).toBe(before);
    expect(netlink.lookupRoute({ destination: HOST }).type).toBe("prohibit");
    netlink.removeRule({ family: 4, priority: PRIORITY, table: TABLE });
    expect(here.run(() => Bun.spawnSync(["ping", "-n", "-c1", `-W${ANSWER_SECONDS}`, HOST])).exitCode).toBe(0);
  });
});
