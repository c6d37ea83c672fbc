// Models of countries and of Geneva's lab against hand-made conversations: what passes each, by name. Everything else
// in `ALL_SCENARIOS` is caught, and an innocent name passes but where a policy says so.
import { describe, expect, test } from "bun:test";
import { ALLOWED, BLOCKED, HTTP, TLS } from "../sample-traffic.ts";
import type { CensorName } from "./gallery.ts";
import { GENEVA_NAMES, makeCensor } from "./gallery.ts";
import { ALL_SCENARIOS, HOPS_TO_SERVER, play } from "./scenarios.ts";
import type { AnyScenario } from "./scenarios.ts";

/** No packet holds the name as a whole, or none that stands where it is awaited. */
const CUTS: readonly AnyScenario[] = [
  "two pieces",
  "two pieces, the second first",
  "two pieces, the second first, the first again",
  "the first piece twice",
  "many pieces",
  "a short-lived decoy last",
  "a first piece that starts before the window",
  "a second piece with foreign octets that the first overwrites",
  "IP fragments",
  "two records",
];
/** Decoys at the real octets' place, for boxes that keep the first copy or count octets. */
const DECOYS: readonly AnyScenario[] = ["a short-lived decoy first", "a decoy without ACK first"];
const BAD_DECOY: AnyScenario = "a decoy with a wrong checksum first";
const FIRST_COPY: readonly AnyScenario[] = [
  ...DECOYS,
  BAD_DECOY,
  "a short-lived decoy last",
  "a second piece with foreign octets that the first overwrites",
];
const RESETS: readonly AnyScenario[] = [
  "a short-lived reset first",
  "a reset with a wrong checksum first",
  "a reset and a bare ACK elsewhere first",
];
const ACK_RESET: AnyScenario = "a short-lived reset with ACK first";

const PASSES: Partial<Record<CensorName, readonly AnyScenario[]>> = {
  "inorder-exact": [
    ...DECOYS,
    BAD_DECOY,
    ...([
      "two pieces, the second first",
      "many pieces",
      "a first piece that starts before the window",
      "a second piece with foreign octets that the first overwrites",
      "IP fragments",
      "two records",
    ] as const),
  ],
  "full-valid": ["a short-lived decoy first", "a short-lived decoy last", "IP fragments", "two records"],
  henan: [...CUTS, "the first octet alone", "options in the header"],
  "gfw-tls": [
    ...[...FIRST_COPY, ...RESETS, ACK_RESET],
    ...(["a reset far before the window first", "IP fragments", "two records"] as const),
  ],
  tspu: FIRST_COPY,
  iran: [...FIRST_COPY, "IP fragments", "two records"],
  "http-tap": [...CUTS, ...DECOYS, BAD_DECOY, "a decoy before the window first", "the first octet alone"],
  "rst-tap": [...FIRST_COPY, "IP fragments"],
  "allow-list": [...DECOYS, BAD_DECOY, "IP fragments", "two records"],
  "geneva-1": [...CUTS, ...DECOYS, BAD_DECOY],
  "geneva-2": [...CUTS, ...DECOYS, BAD_DECOY],
  "geneva-3": [...CUTS, ...DECOYS, BAD_DECOY],
  "geneva-4": [
    ...[...CUTS, ...DECOYS, BAD_DECOY],
    ...(["a reset and a bare ACK elsewhere first", "a bare ACK elsewhere first"] as const),
  ],
  "geneva-5": [...CUTS, ...DECOYS, BAD_DECOY],
  "geneva-6": [
    ...[...CUTS, ...RESETS, ACK_RESET],
    ...(["a reset far before the window first", "a reset of another connection first", "a FIN first"] as const),
  ],
  "geneva-7": [...CUTS, ...RESETS, ACK_RESET, "a reset far before the window first", "a FIN first"],
  "geneva-8": [...CUTS, ...RESETS, "a FIN first"],
  "geneva-8b": [...CUTS, ...DECOYS, BAD_DECOY, ...RESETS, ACK_RESET],
  "geneva-9": [...CUTS, ...DECOYS, BAD_DECOY, "a reset and a bare ACK elsewhere first"],
  "geneva-10": [...CUTS, ...DECOYS, "a short-lived reset first", "a FIN first"],
  "geneva-11": [
    ...[...CUTS, ...DECOYS, ACK_RESET],
    ...(["a short-lived reset first", "a FIN first", "a bare ACK elsewhere first"] as const),
  ],
};
/** What a policy costs those who did nothing. */
const INNOCENTS_CAUGHT: Partial<Record<CensorName, readonly AnyScenario[]>> = {
  tspu: ["a decoy before the window first"],
  iran: ["many pieces", "the first octet alone"],
  "allow-list": [
    "two pieces, the second first",
    "two pieces, the second first, the first again",
    "many pieces",
    "a second piece with foreign octets that the first overwrites",
    "the first octet alone",
  ],
};
const NAMES = Object.keys(PASSES) as CensorName[];
const SCENARIO_NAMES = Object.keys(ALL_SCENARIOS) as AnyScenario[];
const CASES = NAMES.flatMap((name) => ([4, 6] as const).map((family) => ({ name, family })));

function outcomes(name: CensorName, family: 4 | 6, isInnocent: boolean): AnyScenario[] {
  const censor = makeCensor(name, { blocked: [BLOCKED], hopsToServer: HOPS_TO_SERVER, allowed: [ALLOWED] });
  const known = name === "http-tap" ? HTTP : TLS;
  const sample = isInnocent ? { ...known, bad: known.good } : known;
  const change = { destinationPort: known.port, family };
  return SCENARIO_NAMES.filter(
    (scenario) => play(censor, ALL_SCENARIOS[scenario](sample, change), change) === "passes",
  );
}

describe.each(CASES)("$name, IPv$family", ({ name, family }) => {
  test("is passed by what its hypothesis allows, and by nothing else", () => {
    expect(outcomes(name, family, false).toSorted()).toEqual((PASSES[name] ?? []).toSorted());
  });

  test("lets an innocent name pass, but where its policy says so", () => {
    const caught = INNOCENTS_CAUGHT[name] ?? [];
    expect(outcomes(name, family, true)).toEqual(SCENARIO_NAMES.filter((scenario) => !caught.includes(scenario)));
  });
});

test("every hypothesis of Geneva's lab is looked at", () => {
  expect(GENEVA_NAMES).toHaveLength(12);
  for (const name of GENEVA_NAMES) expect(NAMES).toContain(name);
});
