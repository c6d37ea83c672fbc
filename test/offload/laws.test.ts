// What must hold for every burst: cutting what was merged gives back what was there.
import { beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RX_MAX } from "@bunnel/abi";
import type { EngineBuild, Lane } from "@bunnel/engine";
import {
  segmentSuperPacket,
  superDatagram,
  superPacket,
  tcpPacket,
  verifyChecksums,
  virtioNetHeader,
  WireError,
} from "@bunnel/wire";
import { anyPacket, mutatedPacket } from "@bunnel/wire/arbitrary";
import { flowBurst, partialOf } from "./bursts.ts";
import { BUILDS, byFlow, cut, framed, merge, openMerger, type Framed } from "./rig.ts";

const RUNS = 400;

const strangeBurst = fc
  .array(fc.oneof(anyPacket(), mutatedPacket()), { minLength: 1, maxLength: RX_MAX })
  .map((packets) => packets.map((packet) => framed(packet)));

const octets = (bytes: number): Uint8Array => new Uint8Array(bytes).map((_, i) => i * 31);

function segment(seq: number, payload: Uint8Array): Framed {
  const ends = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
  return framed(tcpPacket({ ...ends, seq, flags: "A", payload }));
}

/** A segment with a partial checksum that is zero when it is whole. */
function zeroSum(seq: number): Framed {
  const payload = octets(60);
  payload.fill(0, 0, 2);
  // What the checksum is without these two octets, which then are what it lacks to be zero.
  payload.set(segment(seq, payload).packet.subarray(36, 38));
  return partialOf(segment(seq, payload).packet);
}

describe.each(BUILDS)("offload, %s build", (build: EngineBuild) => {
  let lane: Lane;
  beforeAll(async () => {
    lane = await openMerger(build);
  });

  test("split(coalesce(x)) = x: each flow has its packets, in their order, octet for octet", () => {
    let merged = 0;
    fc.assert(
      fc.property(flowBurst, (burst) => {
        const groups = merge(lane, burst);
        merged += burst.length - groups.length;
        expect(byFlow(cut(groups))).toEqual(byFlow(cut(burst)));
      }),
      { numRuns: RUNS },
    );
    // A merger that never merges would pass, too.
    expect(merged).toBeGreaterThan(RUNS);
  });

  test("a TCP checksum of zero is the same in both of its spellings", () => {
    const second = zeroSum(80);
    const [completed] = cut([second]);
    expect(completed?.subarray(36, 38)).toEqual(Uint8Array.of(0xff, 0xff));
    const burst = [segment(20, octets(60)), second];
    const groups = merge(lane, burst);
    expect(groups).toHaveLength(1);
    expect(cut(groups)[1]?.subarray(36, 38)).toEqual(Uint8Array.of(0, 0));
    expect(byFlow(cut(groups))).toEqual(byFlow(cut(burst)));
  });

  test("split(coalesce(x)) = x also for packets of any kind, whole and damaged", () => {
    fc.assert(
      fc.property(strangeBurst, (burst) => {
        expect(byFlow(merge(lane, burst).flatMap(cutOrKeep))).toEqual(byFlow(burst.map(({ packet }) => packet)));
      }),
      { numRuns: RUNS },
    );
  });

  test("every packet cut from a merged one has right checksums, and all are within one segment size", () => {
    fc.assert(
      fc.property(flowBurst, (burst) => {
        for (const [i, group] of merge(lane, burst).entries()) {
          if ((lane.groups.records[i * 4 + 1] ?? 0) < 2) continue;
          expect(group.packet.length).toBeLessThanOrEqual(65535);
          for (const packet of cut([group])) {
            const sums = verifyChecksums(packet);
            expect([sums.ip, sums.transport]).toEqual([packet[0] === 0x45 ? true : undefined, true]);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("split() cuts a merged packet, and a sender's own super-packet, as the codec does", () => {
    fc.assert(
      fc.property(flowBurst, (burst) => {
        for (const { header, packet } of merge(lane, burst)) {
          if (header[1] === 0) continue;
          lane.place(0, packet, header);
          const expected = segmentSuperPacket(header, packet);
          expect(lane.split(lane.rx.at[0] ?? 0, packet.length)).toBe(expected.length);
          expect(lane.sent()).toEqual(expected);
        }
      }),
      { numRuns: RUNS / 4 },
    );
  });

  test("split() refuses a header that contradicts the packet, as the codec does, and lists nothing", () => {
    const header = fc.record({
      flags: fc.constantFrom(0, 1),
      gsoType: fc.constantFrom(1, 4, 5, 3, 0x81),
      headerBytes: fc.nat(80),
      gsoBytes: fc.constantFrom(0, 20, 1000),
      checksumStart: fc.constantFrom(20, 24, 40, 48),
      checksumOffset: fc.constantFrom(6, 16, 2),
    });
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof(anyPacket(), mutatedPacket()), header, (packet, fields) => {
        const expected = cutOr(virtioNetHeader(fields), packet, []);
        lane.place(0, packet, virtioNetHeader(fields));
        expect(lane.split(lane.rx.at[0] ?? 0, packet.length)).toBe(expected.length);
        expect(lane.sent()).toEqual(expected);
        refused += expected.length === 0 ? 1 : 0;
      }),
      { numRuns: RUNS * 4 },
    );
    expect(refused).toBeGreaterThan(RUNS);
  });

  test("split() leaves CWR to the first piece, FIN and PSH to the last, and refuses a fragment", () => {
    const address = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 1, destinationPort: 2 };
    const whole = superPacket({ ...address, flags: 0x99, payload: new Uint8Array(300) }, 100);
    const fragment = superPacket({ ...address, moreFragments: true, payload: new Uint8Array(300) }, 100);
    for (const [{ header, packet }, pieces] of [
      [whole, 3],
      [fragment, 0],
    ] as const) {
      lane.place(0, packet, header);
      expect(lane.split(lane.rx.at[0] ?? 0, packet.length)).toBe(pieces);
      expect(lane.sent()).toEqual(cutOr(header, packet, []));
    }
  });

  test("split() says when the pieces are too many, and lists nothing", () => {
    const payload = new Uint8Array(5000);
    const address = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 1, destinationPort: 2 };
    const { header, packet } = superDatagram({ ...address, payload }, 1);
    lane.place(0, packet, header);
    expect(lane.split(lane.rx.at[0] ?? 0, packet.length)).toBe(-1);
    expect(lane.txCount).toBe(0);
  });
});

/** A packet whose virtio header is empty comes back as it is, whatever its octets are. */
function cutOrKeep({ header, packet }: Framed): Uint8Array[] {
  return header[1] === 0 && header[0] === 0 ? [packet] : segmentSuperPacket(header, packet);
}

function cutOr(header: Uint8Array, packet: Uint8Array, otherwise: Uint8Array[]): Uint8Array[] {
  try {
    return segmentSuperPacket(header, packet);
  } catch (error) {
    if (error instanceof WireError) return otherwise;
    throw error;
  }
}
