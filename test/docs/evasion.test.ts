// docs/evasion.md says what the code does, no more and no less.
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { EngineRig, evasionCell, galleryColumns, LINK_HOPS_BEFORE } from "@bunnel/lab";
import {
  EVASION_DOCUMENT_PATH,
  evasionDocument,
  EVOLVE_CENSORS,
  type Evolved,
  evolveOne,
  GENEVA_CLAIMS,
  genevaResult,
  LIVE_EXPLAINED,
  liveDisagreements,
  readEvasionFacts,
  readEvolved,
  readLive,
  readSnapshot,
  snapshotPath,
} from "@bunnel/tools/evasion";

let rig: EngineRig;
let evolved: readonly Evolved[];
beforeAll(async () => {
  rig = await EngineRig.create();
  evolved = await readEvolved();
});

test("docs/evasion.md is what `bun tools/evasion/document.ts` writes", async () => {
  expect(readFileSync(EVASION_DOCUMENT_PATH, "utf8")).toBe(evasionDocument(await readEvasionFacts()));
});

describe("what the search found", () => {
  test("is there for every model, and only the honest negative controls have nothing", () => {
    expect(evolved.map(({ censor }) => censor)).toEqual([...EVOLVE_CENSORS]);
    const unbeaten = evolved.filter(({ strategy }) => strategy === undefined).map(({ censor }) => censor);
    expect(unbeaten).toEqual(["strict", "dns-hijack"]);
  });

  test("passes the box that it was found for, on paths that the search never saw", () => {
    for (const { censor, strategy } of evolved) {
      if (strategy === undefined) continue;
      for (const [family, seed] of [
        [4, 501],
        [6, 502],
        [4, 503],
      ] as const) {
        const [column] = galleryColumns([censor]);
        if (column === undefined) throw new Error(`column of ${censor}: expected one, found none`);
        const { outcome } = evasionCell(rig, { name: strategy, strategy }, column, { family, seed });
        expect({ censor, strategy, outcome }).toEqual({ censor, strategy, outcome: "served" });
      }
    }
  });

  test.each(["packet", "gfw-quic"] as const)("%s: comes out the same again, without workers", async (censor) => {
    const { seconds: _, ...again } = await evolveOne(censor, 0);
    const { seconds: __, ...known } = evolved.find((entry) => entry.censor === censor) ?? { seconds: 0 };
    expect(again).toEqual(known as typeof again);
  });
});

describe("Geneva's strategies", () => {
  test.each(GENEVA_CLAIMS.filter(({ strategy }) => strategy !== undefined))(
    "$strategy passes the hypotheses that Geneva's library names, and no other",
    ({ strategy = "", passes }) => {
      expect(genevaResult(rig, strategy).passes).toEqual([...passes]);
    },
  );

  test("what cannot be written says why", () => {
    for (const { strategy, note } of GENEVA_CLAIMS) expect(strategy ?? note ?? "").not.toBe("");
  });

  test("hypothesis 10 falls to a reset with a right checksum, as its authors say", () => {
    const ttl = LINK_HOPS_BEFORE + 2;
    expect(genevaResult(rig, `tls: rst(ttl=${ttl})`).passes).toContain("10");
    expect(genevaResult(rig, "tls: rst(badsum)").passes).not.toContain("10");
  });
});

test("what was measured live agrees with the simulation, but where it is explained", async () => {
  const live = await readLive();
  if (live === undefined) throw new Error("live table: expected one, found none");
  expect(Object.keys(live.cells).length).toBeGreaterThan(10);
  const simulated = readSnapshot(await Bun.file(snapshotPath("router-none")).text());
  const explained = LIVE_EXPLAINED.map(({ strategy, box }) => `${strategy} against ${box}`);
  const others = liveDisagreements(live, simulated).map(({ strategy, box }) => `${strategy} against ${box}`);
  expect(others).toEqual(explained);
});
