// What must hold for every burst: cutting what was merged gives back what was there.
import { beforeAll, describe, expect, test } from "bun:test";
import fc, { type Arbitrary } from "fast-check";
import { RX_MAX } from "@bunnel/abi";
import type { EngineBuild, Lane } from "@bunnel/engine";
import {
  pseudoHeaderSum,
  segmentSuperPacket,
  superDatagram,
  superPacket,
  tcpOptions,
  tcpPacket,
  udpPacket,
  verifyChecksums,
  virtioNetHeader,
  VIRTIO_NEEDS_CHECKSUM,
  WireError,
  type TcpFields,
} from "@bunnel/wire";
import { anyPacket, mutatedPacket } from "@bunnel/wire/arbitrary";
import { BUILDS, byFlow, cut, framed, merge, openMerger, type Framed } from "./rig.ts";

const RUNS = 400;
const OPTIONS = [
  new Uint8Array(0),
  tcpOptions([{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 7, echo: 9 }]),
  tcpOptions([{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 8, echo: 9 }]),
];

/** Mostly the first: bursts in which much can be merged and something stands in its way. */
const mostly = <T>(usual: T, ...others: T[]): Arbitrary<T> =>
  fc.oneof({ weight: 40, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

type Sum = "right" | "partial" | "none" | "wrong";

/** What differs from one packet of a flow to the next. */
const step = fc.record({
  flow: fc.nat(5),
  bytes: mostly(60, 0, 1, 59, 61, 300, 1400),
  /** Where a segment starts, from the end of the one before it. */
  gap: mostly(0, 1, -1, -60, 60),
  flags: mostly<string | number>("A", "PA", "PA", "PA", "FA", "S", "RA", 0x90, 0x50, 0),
  hopLimit: mostly(64, 63),
  tos: mostly(0, 2),
  dontFragment: mostly(true, false),
  idGap: mostly(1, 0, 7),
  ack: mostly(1, 2),
  window: mostly(64240, 1),
  options: fc.constantFrom(...OPTIONS.slice(0, 2)).chain((usual) => mostly(usual, ...OPTIONS)),
  checksum: fc
    .constantFrom<Sum>("right", "partial")
    .chain((usual) => mostly<Sum>(usual, "right", "partial", "none", "wrong")),
  seed: fc.nat(255),
  gsoBytes: mostly(0, 7, 60, 500),
});
type Step = Parameters<Parameters<typeof step.map>[0]>[0];

/** Packets of six flows, TCP and UDP, IPv4 and IPv6, in any order. */
const flowBurst = fc
  .tuple(fc.array(step, { minLength: 1, maxLength: RX_MAX, size: "max" }), fc.nat(0xffffffff), fc.nat(0xffff))
  .map(([steps, seq, id]) => {
    const next = new Map<number, { seq: number; id: number }>();
    return steps.map((each) => {
      const state = next.get(each.flow) ?? { seq, id };
      const packet = packetOf(each, (state.seq + each.gap) >>> 0, state.id);
      next.set(each.flow, {
        seq: (state.seq + each.gap + each.bytes) >>> 0,
        id: (state.id + each.idGap) & 0xffff,
      });
      return packet;
    });
  });

const strangeBurst = fc
  .array(fc.oneof(anyPacket(), mutatedPacket()), { minLength: 1, maxLength: RX_MAX })
  .map((packets) => packets.map((packet) => framed(packet)));

function packetOf(each: Step, seq: number, id: number): Framed {
  const { flow, bytes, hopLimit, tos, dontFragment, ack, window, options, flags, seed, gsoBytes } = each;
  const isV6 = flow % 2 === 1;
  const fields: TcpFields = {
    source: isV6 ? "2001:db8::7" : "192.0.2.7",
    destination: isV6 ? "2001:db8:1::9" : "203.0.113.9",
    sourcePort: 40000 + (flow >> 2),
    destinationPort: 443,
    payload: new Uint8Array(bytes).map((_, i) => i * 31 + seed),
    ...{ hopLimit, tos, dontFragment, id, seq, ack, window, options, flags },
  };
  const isTcp = flow % 4 < 2;
  if (gsoBytes > 0 && bytes > gsoBytes) return (isTcp ? superPacket : superDatagram)(fields, gsoBytes);
  return (isTcp ? tcpFramed : udpFramed)(fields, each.checksum);
}

function tcpFramed(fields: TcpFields, kind: Sum): Framed {
  const whole = tcpPacket(fields);
  if (kind === "wrong") return framed(tcpPacket({ ...fields, checksum: 0x1111 }));
  if (kind !== "partial") return framed(whole);
  return framed(tcpPacket({ ...fields, checksum: partialSum(whole, 6) }), partialHeader(whole, 16));
}

function udpFramed(fields: TcpFields, kind: Sum): Framed {
  const whole = udpPacket(fields);
  if (kind === "wrong") return framed(udpPacket({ ...fields, checksum: 0x1111 }));
  if (kind === "none") return framed(udpPacket({ ...fields, checksum: 0 }));
  if (kind !== "partial") return framed(whole);
  return framed(udpPacket({ ...fields, checksum: partialSum(whole, 17) }), partialHeader(whole, 6));
}

function partialSum(packet: Uint8Array, protocol: number): number {
  const isV6 = (packet[0] ?? 0) >> 4 === 6;
  const [from, middle, to, header] = isV6 ? [8, 24, 40, 40] : [12, 16, 20, 20];
  return pseudoHeaderSum(packet.slice(from, middle), packet.slice(middle, to), protocol, packet.length - header);
}

function partialHeader(packet: Uint8Array, checksumOffset: number): Uint8Array {
  const checksumStart = (packet[0] ?? 0) >> 4 === 6 ? 40 : 20;
  return virtioNetHeader({ flags: VIRTIO_NEEDS_CHECKSUM, checksumStart, checksumOffset });
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
