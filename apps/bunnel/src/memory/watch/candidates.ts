// In which order strategies are tried. Pure.
import { printClause, type Operation, type Strategy } from "@bunnel/profile";
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

/** Packets that a strategy adds to a message of this kind, and what they risk; 0: it leaves the kind alone. */
export function costOf({ clauses }: Strategy, kind: WatchedKind): number {
  const operations = clauses.find((clause) => clause.kind === kind)?.operations ?? [];
  return operations.reduce((sum, operation) => sum + operationCost(operation), 0);
}

/** A decoy reaches the server where its distance was misjudged: it costs more than a cut. */
const DECOY_COST = 3;

function operationCost(operation: Operation): number {
  switch (operation.technique) {
    case "split":
      return operation.points.length;
    case "disorder":
    case "httphost":
      return 1;
    case "fake":
    case "hostfakesplit":
    case "rst":
    case "synack":
      return DECOY_COST * operation.repeats;
    case "dup":
      return operation.repeats;
    case "delay":
      return 1 + operation.ms / 10;
    case "drop":
      return Infinity;
    case "fakedsplit":
    case "seqovl":
    case "syndata":
    case "window":
    case "mss":
    case "ipfrag":
    case "udplen":
    case "ipid":
    case "ttl":
    case "tos":
    case "doh":
    case "redirect":
    case "tlsrec":
    case "oob":
    case "hostpad":
    case "hostdot":
    case "hosttab":
    case "methodspace":
    case "methodeol":
      return DECOY_COST;
  }
}
