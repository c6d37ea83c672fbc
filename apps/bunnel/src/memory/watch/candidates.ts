// In which order strategies are tried. Pure.
import { egressRefusals, printClause, type Strategy } from "@bunnel/profile";
import { costOf as costOfClause } from "../../strategies/cost.ts";
import type { WatchedKind } from "./seen.ts";

/** A strategy that can be tried, by its text. */
export interface Candidate {
  readonly text: string;
  readonly strategy: Strategy;
}

/** What is known of candidates; scores as in `../score.ts`. */
export interface Knowledge {
  /** Of this host on this network; undefined: never tried. */
  readonly scoreOf: (text: string) => number | undefined;
  /** Strategies that work for other hosts of this network, the latest first. */
  readonly elsewhere: readonly string[];
  /** What has failed for this host of late: more of the same kind is tried behind other kinds. */
  readonly failed: readonly Strategy[];
}

/**
 * Those that could help a kind of message, the most hopeful first: what worked for this host, then what works for
 * others here, then what was never tried, then what failed, the oldest failures first. What was never tried goes by its
 * cost, but behind other makes where its make failed: where one cut in order fails, another hardly helps. What would do
 * the same to the message as an earlier one is left out.
 */
export function inOrder(candidates: readonly Candidate[], kind: WatchedKind, known: Knowledge): Candidate[] {
  const failedMakes = known.failed.map((strategy) => makeOf(strategy, kind));
  const rank = ({ text, strategy }: Candidate): readonly [number, number] => {
    const score = known.scoreOf(text);
    if (score !== undefined && score > 0.5) return [0, -score];
    const place = known.elsewhere.indexOf(text);
    if (score === undefined && place >= 0) return [1, place];
    if (score !== undefined) return [3, -score];
    const make = makeOf(strategy, kind);
    const failures = failedMakes.filter((each) => each === make).length;
    return [2, failures * MAKE_WEIGHT + costOf(strategy, kind)];
  };
  const ranked = candidates
    .filter(({ strategy }) => costOf(strategy, kind) > 0)
    .map((candidate, index) => ({ candidate, rank: [...rank(candidate), index] as const }))
    .toSorted((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || a.rank[2] - b.rank[2]);
  const seen = new Set<string>();
  return ranked.flatMap(({ candidate }) => {
    const clause = candidate.strategy.clauses.find((each) => each.kind === kind);
    const text = clause === undefined ? "" : printClause(clause);
    if (seen.has(text)) return [];
    seen.add(text);
    return [candidate];
  });
}

/** More than the dearest strategy costs. */
const MAKE_WEIGHT = 10_000;

/** The techniques that a strategy is made of, whatever their parameters. */
function makeOf({ clauses }: Strategy, kind: WatchedKind): string {
  const operations = clauses.find((clause) => clause.kind === kind)?.operations ?? [];
  return [...new Set(operations.map(({ technique }) => technique))].toSorted().join(" ");
}

/** See `../../strategies/cost.ts`; 0: it leaves the kind alone, or gives its messages up. */
export function costOf({ clauses }: Strategy, kind: WatchedKind): number {
  const clause = clauses.find((each) => each.kind === kind);
  if (clause === undefined || clause.operations.some(({ technique }) => technique === "drop")) return 0;
  return costOfClause(clause, egressRefusals({ clauses: [clause] }, "packet").length > 0);
}
