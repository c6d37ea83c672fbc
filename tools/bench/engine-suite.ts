// The engine against the C program of the same algorithm, over the same packets. Both must have found the same, octet
// for octet, or nothing is measured.
import { EngineLane } from "./engine-lane.ts";
import { differenceOf, EngineTwin } from "./engine-twin.ts";
import { FloodLanes, makeFloodMix } from "./flood-lanes.ts";
import { makePacketMix } from "./packet-mix.ts";
import { interleave, measure } from "./rounds.ts";
import { rowOf, type Budget, type Row } from "./row.ts";
import type { Stage } from "./stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const PACKETS = 8192;
const FLOWS = 1000;
const SEED = 0x1234567890abcdefn;
const ROUNDS = 15;
const PASSES = 30;
const FLOOD_THREADS = [1, 2] as const;
const FLOOD_ROUNDS = 11;
const FLOOD_PASSES = 12;

interface EngineRow {
  readonly name: string;
  readonly measure: string;
  readonly unit: string;
  readonly against: string;
  readonly budget?: Budget;
}

const ROWS: readonly EngineRow[] = [
  { name: "parse", measure: "parseNs", unit: "ns/packet", against: "C -O3" },
  {
    name: "parse + key + table",
    measure: "trackNs",
    unit: "ns/packet",
    against: "C -O3",
    budget: { of: "ratio", atMost: 1.25 },
  },
  { name: "poll without plans", measure: "pollNs", unit: "ns/packet", against: "C -O3" },
  { name: "checksum, 1400 octets", measure: "checksumNs", unit: "ns", against: "C -O3" },
];

export const engineSuite: Suite = {
  title: `engine: ${PACKETS} packets of ${FLOWS} flows, bursts of 64`,
  async *run(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
    yield* measureBursts(stage, options);
    yield* measureFlood(stage, options);
  },
};

async function* measureBursts(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
  const rows = ROWS.filter(({ name }) => options.wants(name));
  if (rows.length === 0) return;
  const mix = makePacketMix({ count: PACKETS, flows: FLOWS });
  const twin = new EngineTwin(stage.folder, mix, SEED);
  const lane = await EngineLane.create(mix, SEED);
  const difference = differenceOf(twin.records(), lane.records());
  if (difference !== undefined) throw new Error(difference);
  const series = await interleave(
    [
      { name: "C", run: async () => twin.time(PASSES) },
      { name: "ours", run: async () => lane.time(PASSES) },
    ],
    options.rounds ?? ROUNDS,
  );
  for (const row of rows) {
    const { name, unit, against, budget } = row;
    const label = { suite: "engine", name, unit, against, ...(budget === undefined ? {} : { budget }) };
    yield rowOf(label, measure(series, "C", row.measure), measure(series, "ours", row.measure));
  }
}

/** Every packet is a SYN of a flow that the table does not know; as many threads as `threads` says share the table. */
async function* measureFlood(stage: Stage, options: SuiteOptions): AsyncGenerator<Row> {
  for (const threads of FLOOD_THREADS) {
    const name = `flood of new flows, ${threads} ${threads === 1 ? "thread" : "threads"}`;
    if (!options.wants(name)) continue;
    const mix = makeFloodMix();
    const twin = new EngineTwin(stage.folder, mix, SEED);
    using lanes = await FloodLanes.open(mix, SEED, threads);
    const series = await interleave(
      [
        { name: "C", run: async () => twin.flood(FLOOD_PASSES, threads) },
        { name: "ours", run: () => lanes.flood(FLOOD_PASSES) },
      ],
      options.rounds ?? FLOOD_ROUNDS,
    );
    const millions = (who: string) => measure(series, who, "flowsPerSecond").map((flows) => flows / 1e6);
    const label = { suite: "engine", name, unit: "million/s", against: "C -O3" };
    yield rowOf(label, millions("C"), millions("ours"));
  }
}
