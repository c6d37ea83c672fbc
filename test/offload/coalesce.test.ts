// What is merged and what is not, case by case.
import { beforeAll, describe, expect, test } from "bun:test";
import { Coalesce, GROUP_PACKETS_MAX } from "@bunnel/abi";
import { readGroup, type EngineBuild, type Lane } from "@bunnel/engine";
import {
  decodePacket,
  fragmentsOf,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  icmpEcho,
  pseudoHeaderSum,
  readVirtioNetHeader,
  superDatagram,
  tcpOptions,
  tcpPacket,
  udpPacket,
  verifyChecksums,
  virtioNetHeader,
  VIRTIO_NEEDS_CHECKSUM,
  type TcpFields,
  type UdpFields,
} from "@bunnel/wire";
import { BUILDS, cut, framed, gather, load, merge, openMerger, type Framed } from "./rig.ts";

const V4 = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const V6 = { ...V4, source: "2001:db8::7", destination: "2001:db8:1::9" };
const STAMP = tcpOptions([{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 7, echo: 9 }]);

const octets = (bytes: number, seed = 1): Uint8Array => new Uint8Array(bytes).map((_, i) => i * 31 + seed);
const datagram = (bytes: number, fields: Partial<UdpFields> = {}): Framed =>
  framed(udpPacket({ ...V4, payload: octets(bytes), ...fields }));
const segment = (seq: number, bytes: number, fields: Partial<TcpFields> = {}): Framed =>
  framed(tcpPacket({ ...V4, seq, flags: "A", payload: octets(bytes, seq), ...fields }));

/** As the kernel hands a packet to a device that finishes checksums: the field holds the pseudo header's sum. */
function partial(fields: UdpFields, checksumStart = 20): Framed {
  const l4Bytes = 8 + (fields.payload?.length ?? 0);
  const sum = pseudoHeaderSum(Uint8Array.of(192, 0, 2, 7), Uint8Array.of(203, 0, 113, 9), 17, l4Bytes);
  const header = virtioNetHeader({ flags: VIRTIO_NEEDS_CHECKSUM, checksumStart, checksumOffset: 6 });
  return framed(udpPacket({ ...fields, checksum: sum }), header);
}

/** What stands between two packets. */
const APART: readonly [string, Framed, Framed][] = [
  ["another port", datagram(50), datagram(50, { sourcePort: 40001 })],
  ["another address", datagram(50), datagram(50, { source: "192.0.2.8" })],
  ["a larger second datagram", datagram(50), datagram(51)],
  ["another TTL", datagram(50), datagram(50, { hopLimit: 63 })],
  ["another type of service", datagram(50), datagram(50, { tos: 4 })],
  ["another DF bit", datagram(50), datagram(50, { dontFragment: false })],
  ["without DF an identification that does not follow", ...pairOf(datagram, { dontFragment: false, id: 5 })],
  ["a flow label of its own", datagram(50, V6), datagram(50, { ...V6, flowLabel: 9 })],
  ["a hop limit of its own", datagram(50, V6), datagram(50, { ...V6, hopLimit: 9 })],
  ["a datagram without checksum", datagram(50), datagram(50, { checksum: 0 })],
  ["a datagram without checksum before it", datagram(50, { checksum: 0 }), datagram(50)],
  ["a wrong checksum", datagram(50), datagram(50, { checksum: 0x1234 })],
  ["a wrong checksum before it", datagram(50, { checksum: 0x1234 }), datagram(50)],
  ["a wrong header checksum", datagram(50), spoiled(datagram(50), 10)],
  [
    "a partial checksum that is not the pseudo header's",
    datagram(50),
    spoiled(partial({ ...V4, payload: octets(50) }), 27),
  ],
  ["octets behind the packet's end", datagram(50), framed(Uint8Array.of(...datagram(50).packet, 0))],
  ["a partial checksum from elsewhere on", datagram(50), partial({ ...V4, payload: octets(50) }, 24)],
  ["a datagram without checksum whose checksum would be zero", ...sumlessPair()],
  ["an empty datagram", datagram(50), datagram(0)],
  ["IPv4 options", datagram(50), datagram(50, { ipOptions: Uint8Array.of(1, 1, 1, 1) })],
  [
    "IPv6 extension headers",
    datagram(50, V6),
    datagram(50, { ...V6, extensionHeaders: [{ protocol: 60, data: octets(6) }] }),
  ],
  ["a super-packet", datagram(50), superDatagram({ ...V4, payload: octets(100) }, 50)],
  ["TCP: a gap", segment(1, 50), segment(52, 50)],
  ["TCP: a repetition", segment(1, 50), segment(1, 50)],
  ["TCP: the order turned round", segment(51, 50), segment(1, 50)],
  ["TCP: PSH on the first", segment(1, 50, { flags: "PA" }), segment(51, 50)],
  ["TCP: FIN", segment(1, 50), segment(51, 50, { flags: "FA" })],
  ["TCP: CWR", segment(1, 50), segment(51, 50, { flags: 0x90 })],
  ["TCP: no ACK", segment(1, 50), segment(51, 50, { flags: 0 })],
  ["TCP: another acknowledgement", segment(1, 50), segment(51, 50, { ack: 2 })],
  ["TCP: another window", segment(1, 50), segment(51, 50, { window: 9 })],
  ["TCP: another urgent pointer", segment(1, 50), segment(51, 50, { urgent: 9 })],
  ["TCP: options of its own", segment(1, 50), segment(51, 50, { options: STAMP })],
  ["TCP: other options", stamped(1, STAMP), stamped(51, spoilt(STAMP, 7))],
  ["TCP: options that differ at their end", stamped(1, STAMP), stamped(51, spoilt(STAMP, 11))],
  ["TCP: a larger second segment", segment(1, 50), segment(51, 60)],
  ["TCP: a wrong checksum", segment(1, 50), segment(51, 50, { checksum: 0x4321 })],
];
/** Those behind a datagram that would merge with one like it. */
const APART_FROM_DATAGRAMS = APART.filter(([, first]) =>
  [datagram(50), datagram(50, V6)].some(({ packet }) => Buffer.compare(packet, first.packet) === 0),
);

describe.each(BUILDS)("coalesce(), %s build", (build: EngineBuild) => {
  let lane: Lane;
  beforeAll(async () => {
    lane = await openMerger(build);
  });

  /** How many packets each group has. */
  const groupsOf = (burst: readonly Framed[], allowed?: number): number[] => {
    const count = merge(lane, burst, allowed).length;
    return Array.from({ length: count }, (_, group) => readGroup(lane.groups, group).pieces);
  };

  test("makes one super-packet of a flow's datagrams, the last of which may be shorter", () => {
    const burst = [datagram(100), datagram(100, { id: 9 }), datagram(100), datagram(40)];
    const [group, ...rest] = merge(lane, burst);
    expect(rest).toEqual([]);
    expect(group && readVirtioNetHeader(group.header)).toEqual({
      flags: VIRTIO_NEEDS_CHECKSUM,
      gsoType: GSO_UDP_L4,
      headerBytes: 28,
      gsoBytes: 100,
      checksumStart: 20,
      checksumOffset: 6,
    });
    expect(group && decodePacket(group.packet).payloadBytes).toBe(340);
    expect(group && verifyChecksums(group.packet).ip).toBe(true);
  });

  test.each([
    ["IPv4", V4, GSO_TCPV4, 20],
    ["IPv6", V6, GSO_TCPV6, 40],
  ])("makes one super-packet of a flow's segments: %s", (_, flow, gsoType, l4Offset) => {
    const common = { ...flow, options: STAMP };
    const burst = [
      segment(0xffff_ff00, 200, common),
      segment(0xffff_ffc8, 200, common),
      segment(0x90, 50, { ...common, flags: "PA" }),
    ];
    const [group, ...rest] = merge(lane, burst);
    expect(rest).toEqual([]);
    expect(group && readVirtioNetHeader(group.header)).toMatchObject({
      gsoType,
      gsoBytes: 200,
      headerBytes: l4Offset + 32,
      checksumStart: l4Offset,
      checksumOffset: 16,
    });
    expect(group && decodePacket(group.packet)).toMatchObject({ payloadBytes: 450, tcpFlags: 0x18, seq: 0xffff_ff00 });
    expect(cut(group ? [group] : [])).toHaveLength(3);
  });

  test("copies no payload: each piece lies where its packet was read to", () => {
    load(lane, [datagram(64), datagram(64), datagram(64)]);
    lane.coalesce(0, 3, 0);
    const view = new DataView(lane.memory);
    const starts = [0, 1, 2].map((piece) => Number(view.getBigUint64(lane.groups.piecesAt + piece * 16, true)));
    const [first = 0, second = 0, third = 0] = lane.rx.at;
    expect(starts).toEqual([first - 10, second + 28, third + 28]);
    expect([...lane.groups.order.subarray(0, 3)]).toEqual([0, 1, 2]);
  });

  test("tells finely mixed flows apart", () => {
    const burst = Array.from({ length: 64 }, (_, i) => datagram(30, { sourcePort: 40000 + (i % 16), id: i }));
    expect(groupsOf(burst)).toEqual(Array.from({ length: 16 }, () => 4));
  });

  test("tells TCP and UDP of the same ports apart", () => {
    const burst = [datagram(50), segment(1, 50), datagram(50), segment(51, 50)];
    expect(groupsOf(burst)).toEqual([2, 2]);
  });

  test.each<[string, (i: number) => Partial<UdpFields>]>([
    ["the port", (i) => ({ sourcePort: 1000 + i })],
    ["the other port", (i) => ({ destinationPort: 1000 + i })],
    ["the address", (i) => ({ source: `192.0.2.${i}` })],
    ["the other address", (i) => ({ destination: `203.0.113.${i}` })],
    ["the first half of an IPv6 address", (i) => ({ ...V6, source: `2001:db8:${i + 1}::7` })],
    ["the second half of an IPv6 address", (i) => ({ ...V6, source: `2001:db8::${i + 1}` })],
    ["the first half of the other IPv6 address", (i) => ({ ...V6, destination: `2001:db8:${i + 1}::9` })],
    ["the second half of the other IPv6 address", (i) => ({ ...V6, destination: `2001:db8:1::${i + 1}` })],
  ])("keeps 64 flows apart that differ in %s only", (_, fieldsOf) => {
    const burst = Array.from({ length: 64 }, (_each, i) => datagram(30, fieldsOf(i)));
    expect(groupsOf(burst)).toEqual(burst.map(() => 1));
  });

  test("merges packets with partial checksums, and those with partial and complete ones", () => {
    const fields = { ...V4, payload: octets(100) };
    const burst = [partial(fields), partial(fields), datagram(100), partial(fields)];
    expect(groupsOf(burst)).toEqual([4]);
    const cutAgain = cut(merge(lane, burst));
    expect(cutAgain.map((packet) => verifyChecksums(packet).transport)).toEqual([true, true, true, true]);
  });

  test.each(APART)("leaves apart: %s", (_, first, second) => {
    expect(groupsOf([first, second])).toEqual([1, 1]);
  });

  test.each(APART_FROM_DATAGRAMS)("leaves apart, behind several that are merged: %s", (_, first, second) => {
    expect(groupsOf([first, first, first, second])).toEqual([3, 1]);
  });

  test("a packet alone keeps its virtio header and its octets", () => {
    const burst = [partial({ ...V4, payload: octets(9) }), superDatagram({ ...V6, payload: octets(90) }, 40)];
    expect(merge(lane, burst)).toEqual(burst);
  });

  test("an acknowledgement without data ends what was merged: no packet overtakes it", () => {
    const burst = [segment(1, 50), segment(51, 50), segment(101, 0), segment(101, 50), segment(151, 50)];
    expect(groupsOf(burst)).toEqual([2, 1, 2]);
  });

  test("a fragment ends what was merged of all flows, an ICMP message of none", () => {
    const whole = datagram(800, { sourcePort: 9, dontFragment: false }).packet;
    for (const fragment of fragmentsOf(whole, [400])) {
      expect(groupsOf([datagram(50), framed(fragment), datagram(50)])).toEqual([1, 1, 1]);
    }
    const ping = framed(icmpEcho(V4));
    expect(groupsOf([datagram(50), ping, datagram(50)])).toEqual([2, 1]);
  });

  test("without DF identifications that follow one another are merged, and come back", () => {
    const burst = [0xffff, 0, 1].map((id) => datagram(50, { dontFragment: false, id }));
    expect(cut(merge(lane, burst))).toEqual(burst.map(({ packet }) => packet));
    expect(groupsOf(burst)).toEqual([3]);
  });

  test("never makes a packet of more than 65535 octets, nor of more packets than the kernel cuts", () => {
    const large = Array.from({ length: 50 }, () => datagram(1400));
    expect(groupsOf(large)).toEqual([46, 4]);
    const full = [datagram(32000), datagram(32000), datagram(1507), datagram(1)];
    expect(groupsOf(full)).toEqual([3, 1]);
    const small = Array.from({ length: 64 }, () => datagram(1));
    expect(groupsOf(small)).toEqual([GROUP_PACKETS_MAX]);
    // More than a burst brings in: what was cut from one super-packet.
    const { header, packet } = superDatagram({ ...V4, payload: octets(2000) }, 20);
    lane.place(0, packet, header);
    expect(lane.split(lane.rx.at[0] ?? 0, packet.length)).toBe(100);
    expect(lane.coalesce(0, 100, 0)).toBe(2);
    expect([0, 1].map((group) => readGroup(lane.groups, group).pieces)).toEqual([GROUP_PACKETS_MAX, 36]);
  });

  test("merges only what it is asked to merge", () => {
    const burst = [datagram(50), datagram(50), segment(1, 50), segment(51, 50)];
    expect(groupsOf(burst, Coalesce.Tcp)).toEqual([1, 1, 2]);
    expect(groupsOf(burst, Coalesce.Udp)).toEqual([2, 1, 1]);
    expect(groupsOf(burst, 0)).toEqual([1, 1, 1, 1]);
  });

  test("merges only the packets that it is given", () => {
    load(lane, [datagram(50), datagram(50), datagram(50), datagram(50)]);
    expect(lane.coalesce(1, 3, 0)).toBe(1);
    expect(readGroup(lane.groups, 0)).toMatchObject({ pieces: 2, at: (lane.rx.at[1] ?? 0) - 10 });
  });

  test("asked to, puts segments in order: one before the others, and the largest first", () => {
    const all = Coalesce.Tcp | Coalesce.Prepend;
    const turned = [segment(101, 50, { flags: "PA", id: 3 }), segment(51, 50, { id: 2 }), segment(1, 50, { id: 1 })];
    const [group] = merge(lane, turned, all);
    expect(groupsOf(turned, all)).toEqual([3]);
    expect(cut(group ? [group] : [])).toEqual(turned.toReversed().map(({ packet }) => packet));
    expect(groupsOf([segment(101, 20), segment(1, 100)], all)).toEqual([2]);
    expect(groupsOf([segment(101, 100), segment(81, 20)], all)).toEqual([1, 1]);
    expect(groupsOf([segment(101, 50), segment(51, 50, { flags: "PA" })], all)).toEqual([1, 1]);
  });

  test("loosen() gives back the packets of a group, whole and with complete checksums", () => {
    const tcp = [segment(1, 50, V6), segment(51, 50, V6), segment(101, 9, { ...V6, flags: "PA" })];
    const udp = [datagram(70), datagram(70), datagram(70)];
    for (const burst of [tcp, udp]) {
      load(lane, burst);
      expect(lane.coalesce(0, 3, 0)).toBe(1);
      lane.loosen(0);
      expect(lane.sent()).toEqual(burst.map(({ packet }) => packet));
      expect(new Uint8Array(lane.memory, (lane.tx.at[0] ?? 0) - 10, 10).slice()).toEqual(new Uint8Array(10));
    }
    load(lane, [datagram(50)]);
    lane.coalesce(0, 1, 0x7f12_8000_0000);
    lane.loosen(0);
    expect(gather(lane, 0)).toEqual(datagram(50));
  });
});

/** Two equal packets: without DF their identification should grow by one. */
function pairOf(build: typeof datagram, fields: Partial<UdpFields>): [Framed, Framed] {
  return [build(50, fields), build(50, fields)];
}

function spoiled({ header, packet }: Framed, at: number): Framed {
  const copy = packet.slice();
  copy[at] = (copy[at] ?? 0) ^ 0x55;
  return { header, packet: copy };
}

function spoilt(options: Uint8Array, at: number): Uint8Array {
  const copy = options.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function stamped(seq: number, options: Uint8Array): Framed {
  return segment(seq, 50, { options });
}

/** Two datagrams that would pass a look at the sum although they say that they have none. */
function sumlessPair(): [Framed, Framed] {
  const payload = octets(50);
  const checksum = checksumOf(udpPacket({ ...V4, payload }));
  // With the checksum added to a word of the payload the sum is all ones, and the checksum zero.
  const word = ((payload[48] ?? 0) << 8) + (payload[49] ?? 0) + checksum;
  const folded = (word & 0xffff) + (word >>> 16);
  payload.set([folded >> 8, folded & 0xff], 48);
  if (checksumOf(udpPacket({ ...V4, payload })) !== 0xffff) throw new Error("expected a checksum of zero");
  const packet = framed(udpPacket({ ...V4, payload, checksum: 0 }));
  return [packet, packet];
}

function checksumOf(packet: Uint8Array): number {
  return ((packet[26] ?? 0) << 8) | (packet[27] ?? 0);
}
