// Hand-made conversations for the tests of the models. The octets that a server keeps always hold the blocked name.
import { fragmentsOf, splitRecords } from "@bunnel/wire";
import { fromClient, stamp, syn, synAck } from "../sample-traffic.ts";
import type { Change, Sample } from "../sample-traffic.ts";
import type { Censor } from "./censor.ts";

/** A hop limit that ends behind a censor with three routers to the server. */
export const SHORT_HOPS = 3;
export const HOPS_TO_SERVER = 3;

type Packets = (sample: Sample, change: Change) => readonly Uint8Array[];

export const SCENARIOS = {
  "the whole message": ({ bad }, change) => [fromClient(0, bad, change)],
  "two pieces": (sample, change) => pieces(sample, change),
  "two pieces, the second first": (sample, change) => pieces(sample, change).toReversed(),
  "two pieces, the second first, the first again": (sample, change) => {
    const [first, second] = pieces(sample, change);
    return [second, first, second];
  },
  "the first piece twice": (sample, change) => {
    const [first, second] = pieces(sample, change);
    return [first, first, second];
  },
  "many pieces": ({ bad }, change) => {
    const bytes = Math.ceil(bad.length / 80);
    return Array.from({ length: Math.ceil(bad.length / bytes) }, (_, index) => {
      return fromClient(index * bytes, bad.subarray(index * bytes, (index + 1) * bytes), change);
    });
  },
  "a short-lived decoy first": ({ bad, good }, change) => [
    fromClient(0, good, { ...change, hopLimit: SHORT_HOPS }),
    fromClient(0, bad, change),
  ],
  "a short-lived decoy last": ({ bad, good, middle }, change) => [
    fromClient(0, bad.subarray(0, middle), change),
    fromClient(0, good, { ...change, hopLimit: SHORT_HOPS }),
    fromClient(middle, bad.subarray(middle), change),
  ],
  "a decoy with a wrong checksum first": ({ bad, good }, change) => [
    fromClient(0, good, { ...change, checksum: 0x1234 }),
    fromClient(0, bad, change),
  ],
  "a decoy before the window first": ({ bad, good }, change) => [
    fromClient(-10_000, good, change),
    fromClient(0, bad, change),
  ],
  "a decoy without ACK first": ({ bad, good }, change) => [
    fromClient(0, good, { ...change, flags: "P", ack: 0 }),
    fromClient(0, bad, change),
  ],
  "a first piece that starts before the window": ({ bad, good, middle }, change) => [
    fromClient(-8, new Uint8Array([...good.subarray(0, 8), ...bad.subarray(0, middle)]), change),
    fromClient(middle, bad.subarray(middle), change),
  ],
  "a second piece with foreign octets that the first overwrites": ({ bad, good, middle }, change) => [
    fromClient(middle - 8, new Uint8Array([...good.subarray(middle - 8, middle), ...bad.subarray(middle)]), change),
    fromClient(0, bad.subarray(0, middle), change),
  ],
  "IP fragments": ({ bad, middle }, change) => {
    const packet = fromClient(0, bad, { ...change, dontFragment: false });
    // The boundary lies inside of the name: the next multiple of eight behind the TCP header and `middle`.
    return fragmentsOf(packet, [((20 + middle) | 7) + 1]);
  },
} satisfies Record<string, Packets>;

const NONE = new Uint8Array(0);

/** More of them, about resets and records. The client's bare ACK was the last packet before. */
export const MORE_SCENARIOS = {
  "a short-lived reset first": ({ bad }, change) => [
    fromClient(0, NONE, { ...change, flags: "R", hopLimit: SHORT_HOPS }),
    fromClient(0, bad, change),
  ],
  "a short-lived reset with ACK first": ({ bad }, change) => [
    fromClient(0, NONE, { ...change, flags: "RA", hopLimit: SHORT_HOPS }),
    fromClient(0, bad, change),
  ],
  "a reset with a wrong checksum first": ({ bad }, change) => [
    fromClient(0, NONE, { ...change, flags: "R", checksum: 0x1234 }),
    fromClient(0, bad, change),
  ],
  "a reset far before the window first": ({ bad }, change) => [
    fromClient(-10_000, NONE, { ...change, flags: "R" }),
    fromClient(0, bad, change),
  ],
  "a reset of another connection first": ({ bad }, change) => [
    fromClient(0, NONE, { ...change, flags: "R", sourcePort: 40001 }),
    fromClient(0, bad, change),
  ],
  "a FIN first": ({ bad }, change) => [fromClient(0, NONE, { ...change, flags: "F" }), fromClient(0, bad, change)],
  "a reset and a bare ACK elsewhere first": ({ bad }, change) => [
    fromClient(0, NONE, { ...change, flags: "R", checksum: 0x1234 }),
    fromClient(5000, NONE, { ...change, checksum: 0x1234 }),
    fromClient(0, bad, change),
  ],
  "a bare ACK elsewhere first": ({ bad }, change) => [fromClient(5000, NONE, change), fromClient(0, bad, change)],
  "two records": ({ bad, middle }, change) => [fromClient(0, splitRecords(bad, [middle]), change)],
  "the first octet alone": ({ bad }, change) => [
    fromClient(0, bad.subarray(0, 1), change),
    fromClient(1, bad.subarray(1), change),
  ],
  "options in the header": ({ bad }, change) => [fromClient(0, bad, { ...change, options: stamp(7) })],
} satisfies Record<string, Packets>;

export type MoreScenario = keyof typeof MORE_SCENARIOS;
export type AnyScenario = Scenario | MoreScenario;
export const ALL_SCENARIOS: Readonly<Record<AnyScenario, Packets>> = { ...SCENARIOS, ...MORE_SCENARIOS };

export type Scenario = keyof typeof SCENARIOS;

function pieces({ bad, middle }: Sample, change: Change): [Uint8Array, Uint8Array] {
  return [fromClient(0, bad.subarray(0, middle), change), fromClient(middle, bad.subarray(middle), change)];
}

/** Handshake, then the packets. Returns what the censor named when it stepped in, or "passes". */
export function play(censor: Censor, packets: readonly Uint8Array[], change: Change = {}): string {
  censor.reset();
  const handshake = [
    censor.judge(syn(change), "outbound", 0),
    censor.judge(synAck(change), "inbound", 0),
    censor.judge(fromClient(0, new Uint8Array(0), change), "outbound", 0),
  ];
  if (handshake.some(({ forward }) => !forward)) return "handshake";
  const judgements = packets.map((packet) => censor.judge(packet, "outbound", 1));
  const stopped = judgements.find(({ forward, matched }) => !forward || matched !== undefined);
  return stopped === undefined ? "passes" : (stopped.matched ?? "dropped");
}
