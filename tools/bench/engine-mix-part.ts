// Packets of many flows in bursts of 64: what every packet costs, whatever becomes of it.
import { EngineLane } from "./engine-lane.ts";
import type { EnginePart } from "./engine-part.ts";
import { differenceOf, EngineTwin } from "./engine-twin.ts";
import { makePacketMix } from "./packet-mix.ts";

const PACKETS = 8192;
const FLOWS = 1000;
const SEED = 0x1234567890abcdefn;
const PASSES = 30;
const UNIT = "ns/packet";

export const mixPart: EnginePart = {
  rows: [
    { name: "parse", measure: "parseNs", unit: UNIT, against: "C" },
    {
      name: "parse + key + table",
      measure: "trackNs",
      unit: UNIT,
      against: "C",
      budget: { of: "ratio", atMost: 1.25 },
    },
    { name: "poll without plans", measure: "pollNs", unit: UNIT, against: "C" },
    {
      name: "poll, nothing that a rule wants",
      measure: "quietNs",
      reference: "trackNs",
      unit: UNIT,
      against: "C, parse + key + table",
    },
    {
      name: "checksum, 1400 octets",
      measure: "checksumNs",
      unit: "ns",
      against: "C",
      budget: { of: "ratio", atMost: 1 },
    },
  ],
  async candidates(stage) {
    const mix = makePacketMix({ count: PACKETS, flows: FLOWS });
    const twin = new EngineTwin(stage.folder, mix, SEED);
    const lane = await EngineLane.create(mix, SEED);
    const difference = differenceOf(twin.records(), lane.records());
    if (difference !== undefined) throw new Error(difference);
    return [
      { name: "C", run: async () => twin.time(PASSES) },
      { name: "ours", run: async () => lane.time(PASSES) },
    ];
  },
};
