// docs/techniques.md says what is proven, no more and no less.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { L7 } from "@bunnel/abi";
import { parseProfile } from "@bunnel/profile";
import { DOCUMENT_PATH, isOver, STREAM_ONLY, TECHNIQUES, techniquesDocument } from "@bunnel/tools/docs";
import { synOps, tcpOps } from "../engine/arbitrary.ts";
import { PAGE_OF } from "../golden/run-case.ts";
import { DATAGRAM_CASES } from "../receiver/datagram-cases.ts";
import { RECEIVER_CASES } from "../receiver/receiver-cases.ts";

/** Held to its law, the same meaning, in test/engine/http-trick.test.ts. */
const CHANGED = ["httphost"];

describe("docs/techniques.md", () => {
  test("is what `bun tools/docs/techniques.ts` writes", () => {
    expect(readFileSync(DOCUMENT_PATH, "utf8")).toBe(techniquesDocument());
  });

  test("names every technique of the engine, once", () => {
    expect(TECHNIQUES.map(({ word }) => word).toSorted()).toEqual(Object.values(PAGE_OF).toSorted());
  });

  test("every technique without an exception is among the properties", () => {
    const held = new Set([...Object.keys(tcpOps(L7.Tls)), ...Object.keys(synOps), ...CHANGED]);
    const claimed = TECHNIQUES.filter(({ except }) => except?.retransmission === undefined).map(({ word }) => word);
    expect([...held].toSorted()).toEqual(claimed.toSorted());
  });

  test("every technique said to be proven on Linux has a case there, and no other", () => {
    const proven = (law: "linux" | "udp"): string[] => {
      const ours = TECHNIQUES.filter((entry) => isOver(law === "udp" ? "udp" : "tcp", entry));
      return ours.filter(({ except }) => except?.[law] === undefined).map(({ word }) => word);
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
