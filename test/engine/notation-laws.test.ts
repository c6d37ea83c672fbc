// No number that the notation takes makes a strategy unsafe: words of every technique with numbers from all over, those
// at the edges of other ranges among them; what is accepted keeps every law of a plan. Hop limits depend on the path,
// so those of decoys end on it and those of the message do not.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { L7 } from "@bunnel/abi";
import type { Engine, EngineBuild } from "@bunnel/engine";
import { parseStrategy, ProfileError } from "@bunnel/profile";
import fc from "fast-check";
import { anyMessage } from "./arbitrary.ts";
import { HOPS } from "./connection.ts";
import { anyFaults } from "./network.ts";
import { anyPath, checkPlanLaws } from "./plan-laws.ts";
import { BUILDS, engineOf, tableOf } from "./rig.ts";

setDefaultTimeout(60_000);

const RUNS = 1500;
/** Of the strategies drawn at least so many are to be accepted. */
const ACCEPTED_MIN = 300;

/** Each # becomes a number. */
const PASSES = [
  ...[
    "split(#)",
    "split(#, midsld)",
    "split(host+#)",
    "disorder",
    "dup",
    "dup(x#)",
    "tos(#)",
    "window(#)",
    "ipfrag(#)",
  ],
  ...["fake(zeros, ts=#)", "fake(zeros, badseq=#)", "fake(random, badseq=#/#)", "fake(zeros, ttl=auto#)"],
  ...["fake(zeros, ttl=auto-1:#-#)", "fake(zeros, badsum, x#)", `fake(random, ttl=${HOPS}, after, x#)`],
  ...["seqovl(#)", "seqovl(#, second)", "seqovl(#, second, pattern=random)", "seqovl(host-#, second)"],
  ...["fakedsplit(#, ts=#)", "fakedsplit(midsld, badseq=#)", "hostfakesplit(badseq=#)", "hostfakesplit(midhost, ts=#)"],
  "fakedsplit(#, badseq=#/#)",
  ...["rst(badseq=#)", "rst(ack, badseq=#/#)", "rst(badsum, x#)", "delay(#)", "delay(#, jitter=#)", "ipid(random)"],
  `ttl(${HOPS + 1})`,
];
const EDGES = [
  ...[-0x8000_0000, -2_000_000_001, -2_000_000_000, -0x4000_0001, -0x4000_0000, -600_000, -66_000, -10_001, -10_000],
  ...[
    -9_999, -1_400, -517, -100, -2, -1, 0, 1, 2, 3, 5, 7, 8, 16, 20, 21, 24, 48, 100, 255, 256, 516, 517, 1_000, 1_400,
  ],
  ...[1_401, 10_000, 10_001, 16_384, 16_385, 65_528, 65_535, 65_536, 0x7fff_ffff],
];
const number = fc.oneof(
  fc.constantFrom(...EDGES),
  fc.integer({ min: -70_000, max: 70_000 }),
  fc.integer({ min: 0, max: 300 }),
);

const pass = fc
  .tuple(fc.constantFrom(...PASSES), fc.array(number, { minLength: 2, maxLength: 2 }), fc.boolean())
  .map(([words, numbers, isSigned]) => {
    let used = 0;
    return words.replaceAll("#", () => {
      const value = numbers[used++] ?? 0;
      return isSigned && value >= 0 && words.includes("auto#") ? `+${value}` : String(value);
    });
  });

const drawn = anyMessage.chain((message) =>
  fc.record({
    passes: fc.array(pass, { minLength: 1, maxLength: 4 }),
    options: anyPath,
    faults: anyFaults,
    ...{ l7: fc.constant(message.l7), octets: fc.constant(message.octets) },
  }),
);

/** The passes of the list that the notation takes behind one another, for this kind. */
function accepted(kind: string, passes: readonly string[]): string | undefined {
  let text: string | undefined;
  for (const next of passes) {
    const longer = `${text ?? `${kind}:`} ${next}`;
    try {
      parseStrategy(longer);
      text = longer;
    } catch (error) {
      if (!(error instanceof ProfileError)) throw error;
    }
  }
  return text;
}

describe.each(BUILDS)("notation, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  test("what the notation accepts keeps every law of a plan, whatever the numbers", () => {
    let count = 0;
    fc.assert(
      fc.property(drawn, ({ passes, ...one }) => {
        const strategy = accepted(one.l7 === L7.Tls ? "tls" : "http", passes);
        if (strategy === undefined) return;
        count++;
        checkPlanLaws(engine, { ...one, ops: [], table: tableOf(strategy) });
      }),
      { numRuns: RUNS },
    );
    expect(count).toBeGreaterThan(ACCEPTED_MIN);
  });
});
