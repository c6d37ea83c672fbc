// docs/evasion.md says what the code does, no more and no less.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { CENSOR_NAMES, EngineRig, evasionCell, galleryColumns, LINK_HOPS_BEFORE } from "@bunnel/lab";
import {
  EVASION_DOCUMENT_PATH,
  evasionDocument,
  EVOLVE_CENSORS,
  EVOLVE_ROUTERS,
  type Evolved,
  evolveOne,
  GENEVA_CLAIMS,
  GENEVA_TREES,
  genevaResult,
  genevaTreeResult,
  differs,
  explanationOf,
  LIVE_CLIENTS,
  LIVE_EXPLAINED,
  liveCells,
  type LiveCell,
  type LiveTable,
  readEvasionFacts,
  readEvolved,
  readLive,
} from "@bunnel/tools/evasion";

setDefaultTimeout(60_000);

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
    for (const wanted of EVOLVE_ROUTERS) {
      const entries = evolved.filter(({ router }) => router === wanted);
      expect(entries.map(({ censor }) => censor)).toEqual([...EVOLVE_CENSORS]);
      const unbeaten = entries.filter(({ strategy }) => strategy === undefined).map(({ censor }) => censor);
      expect(unbeaten).toEqual(["strict", "dns-hijack"]);
    }
  });

  test("passes the box that it was found for, on paths that the search never saw", () => {
    for (const { censor, router, strategy } of evolved) {
      if (strategy === undefined) continue;
      for (const [family, seed] of [
        [4, 501],
        [6, 502],
        [4, 503],
      ] as const) {
        const [column] = galleryColumns([censor]);
        if (column === undefined) throw new Error(`column of ${censor}: expected one, found none`);
        const { outcome } = evasionCell(rig, { name: strategy, strategy }, column, { family, seed, nat: router });
        expect({ censor, strategy, outcome }).toEqual({ censor, strategy, outcome: "served" });
      }
    }
  });

  test.each(["packet", "gfw-quic"] as const)("%s: comes out the same again, without workers", async (censor) => {
    const { seconds: _, ...again } = await evolveOne(censor, "none", 0);
    const { seconds: __, ...known } = evolved.find((entry) => entry.censor === censor && entry.router === "none") ?? {
      seconds: 0,
    };
    expect(again).toEqual(known as typeof again);
  });
});

describe("Geneva's strategies", () => {
  test.each(Object.entries(GENEVA_TREES))("%s, packet by packet, passes what Geneva's library names", (dna, tree) => {
    const claim = GENEVA_CLAIMS.find((known) => known.dna === dna);
    expect(genevaTreeResult(tree)).toEqual([...(claim?.passes ?? []), ...(claim?.also?.passes ?? [])]);
  });

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

describe("what was measured live", () => {
  let live: LiveTable;
  let cells: readonly LiveCell[];
  beforeAll(async () => {
    const kept = await readLive();
    if (kept === undefined) throw new Error("live table: expected one, found none");
    live = kept;
    cells = liveCells(rig, kept);
  });

  test("is there for every client, and for every model of the gallery", () => {
    expect(Object.keys(live.clients)).toEqual(LIVE_CLIENTS.map(({ name }) => name));
    for (const { name, strategies, boxes } of LIVE_CLIENTS) {
      const rows = live.clients[name] ?? {};
      expect(Object.keys(rows)).toEqual([...strategies]);
      for (const row of Object.values(rows)) expect(Object.keys(row)).toEqual([...boxes]);
    }
    expect(new Set(cells.map(({ box }) => box))).toEqual(new Set(CENSOR_NAMES));
  });

  test("agrees with the simulation, but where it is explained", () => {
    expect(cells.filter((cell) => differs(cell) && explanationOf(cell) === undefined)).toEqual([]);
  });

  test("has no explanation that nothing needs", () => {
    const others = cells.filter(differs);
    const needless = LIVE_EXPLAINED.filter(({ strategy, boxes, isByChance = false }) => {
      if (isByChance) return false;
      return !boxes.every((box) => others.some((cell) => cell.strategy === strategy && cell.box === box));
    });
    expect(needless).toEqual([]);
  });
});
