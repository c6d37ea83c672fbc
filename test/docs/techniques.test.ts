// docs/techniques.md says what is proven, no more and no less.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { L7 } from "@bunnel/abi";
import { parseProfile } from "@bunnel/profile";
import { DOCUMENT_PATH, isOver, STREAM_ONLY, TECHNIQUES, techniquesDocument } from "@bunnel/tools/docs";
import { synOps, tcpOps } from "../engine/arbitrary.ts";
import { PAGE_OF } from "../golden/run-case.ts";
import { DATAGRAM_CASES } from "../receiver/datagram-cases.ts";
import { RECEIVER_CASES } from "../receiver/receiver-cases.ts";

const ROOT = dirname(dirname(import.meta.dirname));

describe("docs/techniques.md", () => {
  test("is what `bun tools/docs/techniques.ts` writes", () => {
    expect(readFileSync(DOCUMENT_PATH, "utf8")).toBe(techniquesDocument());
  });

  test("names every technique of the engine, once", () => {
    expect(TECHNIQUES.map(({ word }) => word).toSorted()).toEqual(Object.values(PAGE_OF).toSorted());
  });

  test("every technique without a law of its own is among the properties", () => {
    const held = new Set([...Object.keys(tcpOps(L7.Tls)), ...Object.keys(synOps)]);
    for (const law of ["endpoint", "retransmission"] as const) {
      const claimed = TECHNIQUES.filter(({ own }) => own?.[law] === undefined).map(({ word }) => word);
      expect([...held].toSorted()).toEqual(claimed.toSorted());
    }
  });

  test("every law of a technique's own is a test that there is", () => {
    const laws = TECHNIQUES.flatMap(({ own = {} }) => Object.values(own));
    expect(laws.length).toBeGreaterThan(0);
    for (const { file, test: name } of laws) {
      const suite = readFileSync(join(ROOT, file), "utf8");
      expect({ file, name, isThere: suite.includes(JSON.stringify(name)) }).toEqual({ file, name, isThere: true });
    }
  });

  test("has a sign in every cell, and a note for every number", () => {
    const document = techniquesDocument();
    const rows = document.split("\n").filter((line) => line.startsWith("| ["));
    expect(rows).toHaveLength(TECHNIQUES.length);
    for (const row of rows) {
      const cells = row.split(" | ").slice(2);
      expect(cells).toHaveLength(5);
      for (const cell of cells) {
        const [, number] = /^(?:✓(?: \[(\d+)\])?|–)(?: \|)?$/u.exec(cell) ?? [undefined, "none"];
        if (number !== undefined) expect(document).toContain(`\n${number}. `);
      }
    }
  });

  test("every technique said to be proven on Linux has a case there, and no other", () => {
    const proven = (law: "linux" | "udp"): string[] => {
      const ours = TECHNIQUES.filter((entry) => isOver(law === "udp" ? "udp" : "tcp", entry));
      return ours.filter(({ own }) => own?.[law] === undefined).map(({ word }) => word);
    };
    const tested = (cases: readonly (readonly [word: string, ...unknown[]])[]): string[] => [
      ...new Set(cases.map(([word]) => word)),
    ];
    expect(tested(RECEIVER_CASES).toSorted()).toEqual(proven("linux").toSorted());
    expect(tested(DATAGRAM_CASES).toSorted()).toEqual(proven("udp").toSorted());
  });

  test("what it calls refused for packets is refused for packets", () => {
    const needed: Readonly<Record<string, string>> = {
      ...{ tlsrec: "tls: tlsrec(1)", oob: "tls: oob(1)", disoob: "http: disoob(1)", hostpad: "http: hostpad(99)" },
    };
    for (const [word] of STREAM_ONLY) {
      const text = `[[rule]]\nname = "a"\negress = "packet"\nstrategy = "${needed[word] ?? `http: ${word}`}"`;
      expect(() => parseProfile(text)).toThrow("changes how many octets the stream has");
    }
  });
});
