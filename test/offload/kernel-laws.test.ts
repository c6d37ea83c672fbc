// needs root: makes TUN interfaces and namespaces
// The law of the merger with the kernel in the loop: what we merge and write into one device, the kernel routes to
// another one that takes no super-packets, so that it cuts them itself. Each flow must come out as it went in, one hop
// further: split(coalesce(x)) = x.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { GROUP_PACKETS_MAX } from "@bunnel/abi";
import { Engine, type Lane } from "@bunnel/engine";
import {
  eventOf,
  NetworkNamespace,
  openLinuxTun,
  openPump,
  portOf,
  probeUring,
  type LinuxTun,
  type Pump,
  type PumpBackend,
} from "@bunnel/tun-linux";
import { countersOf } from "@bunnel/tools/soak";
import { segmentSuperPacket } from "@bunnel/wire";
import { flowBurst } from "./bursts.ts";
import { byFlow, cut, load, type Framed } from "./rig.ts";

setDefaultTimeout(60_000);

const RUNS = 600;
const PUMPS: readonly PumpBackend[] = probeUring() === "" ? ["plain", "uring"] : ["plain"];
/** As the packets of a burst have them for their destinations. */
const NETWORKS = ["203.0.113.0/24", "2001:db8:1::/64"];
const ROUTER = [
  "echo 1 > /proc/sys/net/ipv4/ip_forward",
  "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
  "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done",
];
/** More than one burst is cut into. */
const ROOM = 20_000;
/** What is not there by then was lost. */
const WAIT_MS = 5_000;
const [IN, OUT] = [0, 1];

/** Without super-datagrams of more pieces than a kernel sends or takes (UDP_MAX_SEGMENTS, include/linux/udp.h). */
const kernelBurst = flowBurst
  .map((burst) => burst.filter(({ header, packet }) => segmentSuperPacket(header, packet).length <= GROUP_PACKETS_MAX))
  .filter(({ length }) => length > 0);

/** What a router changes about a packet: it has one hop less before it (RFC 1812 section 5.3.1, RFC 8200 section 3). */
function oneHopOn(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  const view = new DataView(copy.buffer);
  if (view.getUint8(0) >> 4 === 6) {
    view.setUint8(7, view.getUint8(7) - 1);
    return copy;
  }
  view.setUint8(8, view.getUint8(8) - 1);
  view.setUint16(10, 0);
  let sum = 0;
  for (let at = 0; at < (view.getUint8(0) & 15) * 4; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
  return copy;
}

/** The kernel tells each link in which multicast groups it is (RFC 3810), at a time of its own choice. */
function isOfTheKernel(packet: Uint8Array): boolean {
  return (packet[0] ?? 0) >> 4 === 6 && packet[24] === 0xff;
}

describe.each(PUMPS)("merged packets that the kernel cuts, pump %s", (backend) => {
  let namespace: NetworkNamespace;
  let input: LinuxTun;
  let output: LinuxTun;
  let lane: Lane;
  let pump: Pump;
  beforeAll(async () => {
    namespace = NetworkNamespace.create();
    const common = { ipv6LinkLocal: "none", mtuBytes: 65_535, txQueueLength: ROOM } as const;
    input = namespace.run(() => openLinuxTun({ ...common, offload: true }));
    output = namespace.run(() => openLinuxTun(common));
    const words = [...ROUTER, ...NETWORKS.map((network) => `ip route add ${network} dev ${output.name}`)];
    const { exitCode, stderr } = namespace.run(() => Bun.spawnSync(["sh", "-ec", words.join("\n")]));
    if (exitCode !== 0) throw new Error(stderr.toString());
    const engine = await Engine.create({ warm: false });
    lane = engine.lane(0, { plan: false, track: false, rxVnet: true, txVnet: true });
    const { memory, rings } = lane;
    const ports = [portOf(input), portOf(output)];
    pump = openPump({ memory, rings, ports, eventFd: eventOf(input), backend });
  });
  afterAll(() => {
    pump.close();
    input.close();
    output.close();
    namespace.close();
  });

  /**
   * Merges and writes; gives how many packets the kernel got, and what came out of it. A busy kernel forwards them when
   * it finds time: as many as are expected are waited for, and what is there besides comes too.
   */
  const route = (burst: readonly Framed[], expected: number): readonly [number, readonly Uint8Array[]] => {
    load(lane, burst);
    const groups = lane.coalesce(0, burst.length, pump.base);
    expect(pump.writeGroups(IN, lane, groups)).toBe(groups);
    const came: Uint8Array[] = [];
    const deadline = performance.now() + WAIT_MS;
    for (let count = 1; count > 0 || (came.length < expected && performance.now() < deadline);) {
      count = pump.read(OUT, lane.rx, 0, lane.slotPacketBytes);
      for (let i = 0; i < count; i++) {
        const packet = new Uint8Array(lane.memory, lane.rx.at[i] ?? 0, lane.rx.lengths[i]).slice();
        if (!isOfTheKernel(packet)) came.push(packet);
      }
    }
    return [groups, came];
  };

  test("each flow has its packets, in their order, octet for octet", () => {
    let merged = 0;
    let pieces = 0;
    fc.assert(
      fc.property(kernelBurst, (burst) => {
        const expected = cut(burst).map(oneHopOn);
        const [groups, came] = route(burst, expected.length);
        merged += burst.length - groups;
        pieces += came.length;
        expect(byFlow(came)).toEqual(byFlow(expected));
      }),
      { numRuns: RUNS },
    );
    expect(merged).toBeGreaterThan(RUNS);
    expect(pieces).toBeGreaterThan(merged);
    // The kernel saw fewer packets than it put out: it is it who cut them.
    expect(countersOf(namespace, "InReceives")).toBeLessThan(pieces);
    expect(pump.counters().refused).toEqual({});
    expect(pump.loosened).toBe(0);
  });
});
