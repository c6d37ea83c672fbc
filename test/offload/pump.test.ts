// needs root
// The whole data path between real sockets, over every way that it can take.
import { describe, expect, test } from "bun:test";
import { Counter } from "@bunnel/abi";
import { probeUring, type PumpBackend } from "@bunnel/tun-linux";
import { B, TwoHosts, type PathOptions } from "./two-hosts.ts";

const TCP_BYTES = 4_000_000;
const DATAGRAMS = 400;

const BACKENDS: readonly PumpBackend[] = probeUring() === "" ? ["plain", "uring"] : ["plain"];
const WAYS = [
  { name: "without offload", offloadA: false, offloadB: false },
  { name: "from plain packets to merged ones", offloadA: false, offloadB: true },
  { name: "from super-packets to plain ones", offloadA: true, offloadB: false },
  { name: "with offload", offloadA: true, offloadB: true },
] as const;
const MATRIX = BACKENDS.flatMap((backend) =>
  WAYS.flatMap(({ name, ...offload }) =>
    [1, 2].map((queues) => [backend, name, queues, { backend, queues, merge: true, ...offload }] as const),
  ),
);

describe.each(MATRIX)("pump, %s, %s, queues %i", (_backend, _name, _queues, options: PathOptions) => {
  test("real sockets get what was sent, no checksum is wrong, and no packet is unaccounted for", async () => {
    await using hosts = await TwoHosts.open(options);
    for (const address of B) {
      expect(await hosts.call(address, TCP_BYTES, DATAGRAMS)).toEqual({
        tcpIntact: true,
        udpIntact: DATAGRAMS,
        udpDamaged: 0,
      });
    }
    expect(hosts.kernelCounter("InCsumErrors")).toBe(0);
    expect(hosts.kernelCounter("OutSegs")).toBeGreaterThan(0);
    let writtenToB = 0;
    for (const { laneIndex, counters, lane } of await hosts.stop()) {
      if (laneIndex % 2 === 0) writtenToB += counters.written;
      const of = (counter: Counter): number => Number(lane[counter] ?? 0n);
      expect(of(Counter.PacketsIn)).toBe(counters.read);
      expect(of(Counter.EgressSent)).toBe(counters.written);
      expect(counters.refused).toEqual({});
      expect([of(Counter.EgressRefused), of(Counter.QueueDropped)]).toEqual([0, 0]);
      if (options.offloadA === options.offloadB) expect(counters.written).toBe(counters.read);
    }
    // What was merged is one packet to the host that gets it.
    const isMerged = options.offloadB && !options.offloadA;
    if (isMerged) expect(hosts.packetsTo("B")).toBeLessThan(writtenToB / 2);
    else expect(hosts.packetsTo("B")).toBeLessThanOrEqual(writtenToB);
  });
});
