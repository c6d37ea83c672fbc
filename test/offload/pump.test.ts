// needs root
// The whole data path between real sockets, over every way that it can take.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Counter } from "@bunnel/abi";
import { probeUring, type PumpBackend } from "@bunnel/tun-linux";
import { B, TwoHosts, type PathOptions } from "@bunnel/tools/soak";

setDefaultTimeout(120_000);

/** There and back, by both families: 256 MB for each combination. */
const TCP_BYTES = 64_000_000;
const DATAGRAMS = 2000;

const PUMPS: readonly PumpBackend[] = probeUring() === "" ? ["plain", "uring"] : ["plain"];
const WAYS = [
  { name: "without offload", offloadA: false, offloadB: false },
  { name: "from plain packets to merged ones", offloadA: false, offloadB: true },
  { name: "from super-packets to plain ones", offloadA: true, offloadB: false },
  { name: "with offload", offloadA: true, offloadB: true },
] as const;
const MATRIX = PUMPS.flatMap((pump) =>
  WAYS.flatMap(({ name, ...offload }) =>
    [1, 2].map((queues) => [pump, name, queues, { pump, queues, ...offload }] as const),
  ),
);

describe.each(MATRIX)("pump %s, %s, queues %i", (_pump, _name, _queues, options: PathOptions) => {
  const { offloadA, offloadB } = options;

  test("real sockets get what was sent, no checksum is wrong, and no packet is unaccounted for", async () => {
    await using hosts = await TwoHosts.open(options);
    for (const address of B) {
      const { tcp, udpIntact, udpDamaged } = await hosts.call(address, TCP_BYTES, DATAGRAMS);
      expect([tcp.cameThere, tcp.cameBack]).toEqual([tcp.sentThere, tcp.sentBack]);
      expect([udpIntact, udpDamaged]).toEqual([DATAGRAMS, 0]);
    }
    expect(hosts.kernelCounter("InCsumErrors")).toBe(0);
    expect(hosts.kernelCounter("OutSegs")).toBeGreaterThan(0);
    let [readFromA, sentToB, readFromB, sentToA] = [0, 0, 0, 0];
    for (const { laneIndex, lane } of await hosts.stop()) {
      const of = (counter: Counter): number => Number(lane[counter] ?? 0n);
      expect([of(Counter.EgressRefused), of(Counter.QueueDropped)]).toEqual([0, 0]);
      if (laneIndex % 2 === 0) {
        readFromA += of(Counter.PacketsIn);
        sentToB += of(Counter.EgressSent);
      } else {
        readFromB += of(Counter.PacketsIn);
        sentToA += of(Counter.EgressSent);
      }
    }
    // What is a super-packet on one side and not on the other is cut.
    if (offloadA && !offloadB) expect(sentToB).toBeGreaterThan(readFromA);
    else expect(sentToB).toBe(readFromA);
    if (offloadB && !offloadA) expect(sentToA).toBeGreaterThan(readFromB);
    else expect(sentToA).toBe(readFromB);
    const [a, b] = [hosts.carriedBy("A"), hosts.carriedBy("B")];
    expect([readFromA, readFromB]).toEqual([a.given, b.given]);
    // Without offload a packet that is written is one for the kernel, too.
    if (!offloadA) expect(a.taken).toBe(sentToA);
    if (!offloadB) expect(b.taken).toBe(sentToB);
    // What was merged is one packet to the host that gets it.
    const isMerged = offloadB && !offloadA;
    if (isMerged) expect(b.taken).toBeLessThan(sentToB / 2);
    else expect(b.taken).toBeLessThanOrEqual(sentToB);
  });
});
