// The C twin is a reference only as long as it does the same: its records against the TypeScript codec, and octet for
// octet against the engine. Packets are those of the mix, and the same with their headers damaged.
import { afterAll, describe, expect, test } from "bun:test";
import { META_BYTES } from "@bunnel/abi";
import { readMeta } from "@bunnel/engine";
import { decodePacket } from "@bunnel/wire";
import { EngineLane } from "./engine-lane.ts";
import { differenceOf, EngineTwin } from "./engine-twin.ts";
import { makePacketMix, randomOf, type PacketMix } from "./packet-mix.ts";
import { Stage } from "./stage.ts";

const COUNT = 4000;
const SEED = 0xfeedfacecafebeefn;
const stage = new Stage();
afterAll(() => stage[Symbol.dispose]());

/** Octets of the headers where damage tells: versions, lengths, protocol numbers, fragment fields, data offsets. */
const TELLING = { 4: [0, 2, 3, 6, 7, 9, 20, 24, 25, 32], 6: [0, 4, 5, 40, 41, 42, 43, 48, 49, 50, 51, 52] };
/** Where an IPv6 packet of the mix names the header that follows. */
const NEXT_HEADER_AT = [6, 40, 48];
const NEXT_HEADERS = [0, 1, 6, 17, 43, 44, 51, 58, 59, 60, 135, 139, 140];

/** Up to three octets of each packet changed, most of them where a parser looks; some packets cut short. */
function damaged(mix: PacketMix): PacketMix {
  const random = randomOf(7);
  const pick = (values: readonly number[]): number => values[random() % values.length] ?? 0;
  const packets = mix.packets.slice();
  const lengths = mix.lengths.slice();
  for (let i = 0; i < mix.count; i++) {
    const packet = packets.subarray(i * mix.stride, (i + 1) * mix.stride);
    const version = packet[0] === 0x45 ? 4 : 6;
    for (let changes = random() % 4; changes > 0; changes--) {
      if (version === 6 && random() % 2 === 0) packet[pick(NEXT_HEADER_AT)] = pick(NEXT_HEADERS);
      else packet[pick(TELLING[version])] = pick([0, random() & 255, random() % 8]);
    }
    if (random() % 8 === 0) lengths[i] = random() % ((lengths[i] ?? 0) + 1);
  }
  return { ...mix, packets, lengths };
}

const wellFormed = makePacketMix({ count: COUNT, flows: 300 });

describe.each([
  ["the mix", wellFormed],
  ["the damaged mix", damaged(wellFormed)],
])("the C twin over %s", (_, mix) => {
  const records = new EngineTwin(stage.folder, mix, SEED).records();
  const view = new DataView(records.buffer, records.byteOffset, records.length);

  test("finds in every packet what decodePacket finds", () => {
    expect(records.length).toBe(COUNT * META_BYTES);
    for (let i = 0; i < COUNT; i++) {
      const at = i * mix.stride;
      const packet = decodePacket(mix.packets.subarray(at, at + (mix.lengths[i] ?? 0)));
      const meta = readMeta(view, i * META_BYTES);
      expect({ i, family: meta.family }).toEqual({ i, family: packet.family });
      if (packet.family === 0) continue;
      expect({ i, ...meta }).toMatchObject({
        i,
        protocol: packet.protocol,
        l4Offset: packet.l4Offset,
        payloadOffset: packet.payloadOffset,
        payloadBytes: packet.payloadBytes,
        totalBytes: packet.totalBytes,
        sourcePort: packet.sourcePort,
        destinationPort: packet.destinationPort,
        fragmentOffset: packet.fragmentOffset,
        fragment: packet.fragment,
        moreFragments: packet.moreFragments,
        tcpFlags: packet.tcpFlags,
        seq: packet.seq,
        ack: packet.ack,
      });
    }
  });

  test("writes the engine's records, octet for octet", async () => {
    const lane = await EngineLane.create(mix, SEED);
    expect(differenceOf(records, lane.records())).toBeUndefined();
  });
});

test("the damage makes malformed packets, fragments and opaque protocols, and leaves others whole", () => {
  const mix = damaged(wellFormed);
  const kinds = new Set<string>();
  for (let i = 0; i < COUNT; i++) {
    const at = i * mix.stride;
    const { family, fragment, fragmentOffset, protocol } = decodePacket(
      mix.packets.subarray(at, at + (mix.lengths[i] ?? 0)),
    );
    if (family === 0) kinds.add("malformed");
    else if (fragment) kinds.add(`${family} ${fragmentOffset === 0 ? "first" : "later"} fragment`);
    else kinds.add([1, 6, 17, 58].includes(protocol) ? `${family} whole` : `${family} opaque`);
  }
  expect([...kinds].toSorted()).toEqual([
    "4 first fragment",
    "4 later fragment",
    "4 opaque",
    "4 whole",
    "6 first fragment",
    "6 later fragment",
    "6 opaque",
    "6 whole",
    "malformed",
  ]);
});
