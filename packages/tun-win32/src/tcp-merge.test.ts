import { describe, expect, test } from "bun:test";
import {
  decodePacket,
  GSO_TCPV4,
  GSO_TCPV6,
  segmentSuperPacket,
  tcpPacket,
  udpPacket,
  verifyChecksums,
  virtioNetHeader,
  type TcpFields,
} from "@bunnel/wire";
import fc from "fast-check";
import { TcpMerger } from "./tcp-merge.ts";

const V4: TcpFields = {
  source: "203.0.113.9",
  destination: "192.0.2.7",
  sourcePort: 443,
  destinationPort: 40000,
  seq: 1000,
  ack: 77,
  flags: "A",
};
const V6: TcpFields = { ...V4, source: "2001:db8::9", destination: "2001:db8::7" };

/** Packets behind each other in a memory, as a burst lies there, and what the merger makes of them. */
class Burst {
  readonly merger = new TcpMerger();
  readonly octets: Uint8Array;
  readonly at: Uint32Array;
  readonly lengths: Uint16Array;

  constructor(readonly packets: readonly Uint8Array[]) {
    this.at = new Uint32Array(packets.length);
    this.lengths = Uint16Array.from(packets, (packet) => packet.length);
    this.octets = new Uint8Array(packets.reduce((sum, packet) => sum + packet.length + 3, 64));
    let at = 64;
    for (const [i, packet] of packets.entries()) {
      this.at[i] = at;
      this.octets.set(packet, at);
      at += packet.length + 3;
    }
  }

  /** How many packets become one, from each on that begins one. */
  runs(): number[] {
    const runs: number[] = [];
    for (let from = 0; from < this.packets.length; from += runs.at(-1) ?? 1) runs.push(this.#run(from));
    return runs;
  }

  /** The packets that are written. */
  written(): Uint8Array[] {
    const written: Uint8Array[] = [];
    for (let from = 0; from < this.packets.length;) {
      const count = this.#run(from);
      written.push(count === 1 ? (this.packets[from] ?? new Uint8Array()) : this.#merged(from, count));
      from += count;
    }
    return written;
  }

  #run(from: number): number {
    return this.merger.run(this.octets, this.at, this.lengths, from, this.packets.length);
  }

  #merged(from: number, count: number): Uint8Array {
    const { header, headerBytes, bytes } = this.merger;
    const merged = Uint8Array.from([
      ...header.subarray(0, headerBytes),
      ...this.packets.slice(from, from + count).flatMap((packet) => [...packet.subarray(headerBytes)]),
    ]);
    expect(merged.length).toBe(bytes);
    return merged;
  }
}

/** Segments of one flow without a gap. */
function segments(fields: TcpFields, sizes: readonly number[]): Uint8Array[] {
  let seq = fields.seq ?? 0;
  return sizes.map((bytes, i) => {
    const payload = Uint8Array.from({ length: bytes }, (_, at) => at * 7 + i);
    const packet = tcpPacket({ ...fields, seq, payload });
    seq = (seq + bytes) >>> 0;
    return packet;
  });
}

function payloadOf(packet: Uint8Array): Uint8Array {
  const { payloadOffset, payloadBytes } = decodePacket(packet);
  return packet.subarray(payloadOffset, payloadOffset + payloadBytes);
}

describe.each([
  ["IPv4", V4, GSO_TCPV4],
  ["IPv6", V6, GSO_TCPV6],
] as const)("TcpMerger with %s", (_, flow, gsoType) => {
  test("makes one packet of segments without a gap, with right lengths and checksums", () => {
    const packets = segments(flow, [1400, 1400, 1399, 1, 7]);
    const burst = new Burst(packets);
    expect(burst.runs()).toEqual([5]);
    const [merged = new Uint8Array()] = burst.written();
    expect(verifyChecksums(merged)).toEqual(verifyChecksums(packets[0] ?? merged));
    expect(payloadOf(merged)).toEqual(Uint8Array.from(packets.flatMap((packet) => [...payloadOf(packet)])));
  });

  test("what it merges, cut at the same places, is what was there", () => {
    const packets = segments(flow, [1000, 1000, 1000, 400]);
    const [merged = new Uint8Array()] = new Burst(packets).written();
    const checksumStart = merged.length - 3400 - 20;
    const header = virtioNetHeader({ gsoType, gsoBytes: 1000, flags: 1, checksumStart, checksumOffset: 16 });
    const cut = segmentSuperPacket(header, merged);
    expect(cut.map(payloadOf)).toEqual(packets.map(payloadOf));
    expect(cut.map((packet) => decodePacket(packet).seq)).toEqual(packets.map((packet) => decodePacket(packet).seq));
  });

  test("takes PSH and window of the last, and merges nothing behind a PSH", () => {
    const [first, second, third] = segments(flow, [500, 500, 500]);
    const pushed = tcpPacket({
      ...flow,
      seq: 1500,
      flags: "PA",
      window: 5,
      payload: payloadOf(second ?? new Uint8Array()),
    });
    const burst = new Burst([first, pushed, third].filter((packet) => packet !== undefined));
    expect(burst.runs()).toEqual([2, 1]);
    const [merged = new Uint8Array()] = burst.written();
    const { tcpFlags, l4Offset } = decodePacket(merged);
    expect([tcpFlags, merged[l4Offset + 14], merged[l4Offset + 15]]).toEqual([0x18, 0, 5]);
  });

  test("leaves a segment with a wrong checksum alone, and as it is", () => {
    const packets = segments(flow, [600, 600, 600, 600]);
    const bad = Uint8Array.from(packets[1] ?? []);
    bad[bad.length - 1] = (bad.at(-1) ?? 0) ^ 1;
    packets[1] = bad;
    const burst = new Burst(packets);
    expect(burst.runs()).toEqual([1, 1, 2]);
    expect(burst.written()[1]).toEqual(bad);
  });

  test("never exceeds 65535 octets", () => {
    const packets = segments(
      flow,
      Array.from({ length: 60 }, () => 1400),
    );
    const burst = new Burst(packets);
    for (const packet of burst.written()) expect(packet.length).toBeLessThanOrEqual(65535);
    expect(burst.runs().length).toBe(2);
  });

  test.each([
    ["another port", { destinationPort: 40001 }],
    ["another acknowledgement", { ack: 78 }],
    ["a gap", { seq: 1601 }],
    ["a FIN", { flags: "FA" }],
    ["an urgent pointer", { urgent: 1 }],
    ["another hop limit", { hopLimit: 9 }],
    ["other options", { options: Uint8Array.of(1, 1, 1, 1) }],
    ["no payload", { payload: new Uint8Array() }],
  ] as const)("keeps %s apart", (_name, other) => {
    const [first = new Uint8Array(), second = new Uint8Array()] = segments(flow, [600, 600]);
    const changed = tcpPacket({ ...flow, seq: 1600, payload: payloadOf(second), ...other });
    expect(new Burst([first, second]).runs()).toEqual([2]);
    expect(new Burst([first, changed]).runs()).toEqual([1, 1]);
  });

  test("never merges datagrams: one long one would arrive", () => {
    const { source, destination } = flow;
    const datagram = udpPacket({
      source,
      destination,
      sourcePort: 53,
      destinationPort: 9,
      payload: new Uint8Array(99),
    });
    expect(new Burst([datagram, datagram]).runs()).toEqual([1, 1]);
  });
});

describe("TcpMerger", () => {
  test("passes over the end of the sequence numbers", () => {
    expect(new Burst(segments({ ...V4, seq: 0xffff_ff00 }, [200, 200, 200])).runs()).toEqual([3]);
  });

  test("leaves IPv4 fragments, IPv4 options, and packets cut short alone", () => {
    const [first = new Uint8Array(), second = new Uint8Array()] = segments(V4, [600, 600]);
    const fragment = tcpPacket({ ...V4, seq: 1600, payload: payloadOf(second), moreFragments: true });
    expect(new Burst([first, fragment]).runs()).toEqual([1, 1]);
    expect(new Burst([first, second.subarray(0, 300)]).runs()).toEqual([1, 1]);
  });

  test("leaves IPv6 with extension headers alone", () => {
    const [first = new Uint8Array(), second = new Uint8Array()] = segments(V6, [600, 600]);
    const extended = tcpPacket({
      ...V6,
      seq: 1600,
      payload: payloadOf(second),
      extensionHeaders: [{ protocol: 60, data: new Uint8Array(6) }],
    });
    expect(new Burst([first, extended]).runs()).toEqual([1, 1]);
  });

  test("writes what was there, in order, whatever there was", () => {
    const segment = fc.record({
      flow: fc.constantFrom(V4, V6, { ...V4, sourcePort: 80 }),
      bytes: fc.integer({ min: 0, max: 40 }),
      jump: fc.constantFrom(0, 0, 0, 1),
      flags: fc.constantFrom("A", "A", "PA", "FA"),
    });
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 20 }), (list) => {
        let seq = 5;
        const packets = list.map(({ flow, bytes, jump, flags }) => {
          const payload = new Uint8Array(bytes).fill(seq & 0xff);
          const packet = tcpPacket({ ...flow, seq: seq + jump, flags, payload });
          seq += jump + bytes;
          return packet;
        });
        const written = new Burst(packets).written();
        const bytesOf = (all: readonly Uint8Array[]): number[] => all.flatMap((packet) => [...payloadOf(packet)]);
        expect(bytesOf(written)).toEqual(bytesOf(packets));
        for (const packet of written) expect(verifyChecksums(packet).transport).toBe(true);
      }),
    );
  });
});
