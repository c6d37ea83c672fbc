// A rule table to something that people and tests can read.
import * as abi from "@bunnel/abi";
import { KINDS, type Clause, type DecoyContent, type Kind, type Operation, type Point } from "../notation/strategy.ts";
import { FAMILIES, type Family, type PortRange } from "../profile/profile.ts";
import { checkRules } from "./check.ts";
import { TableView } from "./view.ts";
import { familyMask, KIND_L7, kindBit, POINT_MARKERS, TECHNIQUES, wordOf } from "./words.ts";

export interface DecodedRule {
  readonly kinds: readonly Kind[];
  readonly families: readonly Family[];
  readonly ports: readonly PortRange[];
  /** Sorted: `example.org` with all below it, `=example.org` alone. None: any host. */
  readonly hosts: readonly string[];
  /** Undefined: the message is left alone. */
  readonly clause: Clause | undefined;
}

export interface DecodedTable {
  readonly totalBytes: number;
  readonly generation: number;
  readonly hostPlaces: number;
  /** In the order in which they are looked at. */
  readonly rules: readonly DecodedRule[];
}

/**
 * What a table says.
 * @throws ProfileError E_RULES_TABLE as `checkRules` does
 */
export function decodeRules(table: Uint8Array): DecodedTable {
  checkRules(table);
  const view = new TableView(table);
  const clauses = Array.from({ length: view.strategyCount }, (_, index) => decodeClause(view, view.strategyAt(index)));
  const hostSets = decodeHostSets(view);
  return {
    totalBytes: view.totalBytes,
    generation: view.generation,
    hostPlaces: view.hostPlaces,
    rules: Array.from({ length: view.ruleCount }, (_, index) =>
      decodeRule(view, view.ruleAt(index), clauses, hostSets),
    ),
  };
}

function decodeRule(
  view: TableView,
  at: number,
  clauses: readonly Clause[],
  hostSets: ReadonlyMap<number, readonly string[]>,
): DecodedRule {
  const l7Mask = view.u8(at + abi.RULE_L7_MASK);
  const families = view.u8(at + abi.RULE_FAMILY_MASK);
  return {
    kinds: KINDS.filter((kind) => (l7Mask & kindBit(kind)) !== 0),
    families: FAMILIES.filter((family) => (families & familyMask([family])) !== 0),
    ports: Array.from({ length: view.u16(at + abi.RULE_PORT_COUNT) }, (_, index) => ({
      first: view.u16(at + abi.RULE_PORTS + index * 4),
      last: view.u16(at + abi.RULE_PORTS + index * 4 + 2),
    })),
    hosts: hostSets.get(view.u16(at + abi.RULE_HOST_SET)) ?? [],
    // RULE_EXCLUDE is past the last strategy of any table.
    clause: clauses[view.u16(at + abi.RULE_STRATEGY)],
  };
}

function decodeHostSets(view: TableView): ReadonlyMap<number, readonly string[]> {
  const sets = new Map<number, string[]>();
  for (let index = 0; index < view.hostPlaces; index += 1) {
    const at = view.hostPlaceAt(index);
    if (view.u32(at + abi.HOST_HASH) === 0) continue;
    const name = view.text(view.u32(at + abi.HOST_TEXT_AT), view.u16(at + abi.HOST_TEXT_BYTES));
    const set = view.u16(at + abi.HOST_SET);
    const entry = view.u16(at + abi.HOST_MATCH) === abi.HostMatch.Exact ? `=${name}` : name;
    const names = sets.get(set);
    if (names) names.push(entry);
    else sets.set(set, [entry]);
  }
  return new Map([...sets].map(([set, names]) => [set, names.toSorted()]));
}

function decodeClause(view: TableView, at: number): Clause {
  const opsAt = view.u32(at + abi.STRATEGY_OPS_AT);
  return {
    kind: wordOf(KIND_L7, view.u8(at + abi.STRATEGY_L7)) ?? KINDS[0],
    operations: Array.from({ length: view.u8(at + abi.STRATEGY_OP_COUNT) }, (_, index) =>
      decodeOperation(view, opsAt + index * abi.OP_BYTES),
    ),
  };
}

function decodeOperation(view: TableView, at: number): Operation {
  const technique = wordOf(TECHNIQUES, view.u8(at + abi.OP_TECHNIQUE));
  if (technique === "split") return { technique, points: decodePoints(view, at) };
  if (technique !== "fake") return { technique: "disorder" };
  const foolings = view.u16(at + abi.OP_FOOLINGS);
  return {
    technique,
    decoy: decodeDecoy(view, at),
    ...((foolings & abi.Fooling.Ttl) === 0 ? {} : { ttl: view.u8(at + abi.OP_TTL) }),
    badsum: (foolings & abi.Fooling.BadSum) !== 0,
    repeats: view.u8(at + abi.OP_REPEATS),
  };
}

function decodeDecoy(view: TableView, at: number): DecoyContent {
  if (view.u8(at + abi.OP_DECOY) === abi.Decoy.Zeros) return { content: "zeros" };
  return {
    content: "name",
    name: view.text(view.u32(at + abi.OP_NAME_AT), view.u16(at + abi.OP_NAME_BYTES)),
  };
}

function decodePoints(view: TableView, at: number): readonly Point[] {
  return Array.from({ length: view.u8(at + abi.OP_POINT_COUNT) }, (_, index) => {
    const pointAt = at + abi.OP_POINTS + index * abi.POINT_BYTES;
    return {
      marker: wordOf(POINT_MARKERS, view.u8(pointAt)) ?? "absolute",
      offset: view.i16(pointAt + 2),
    };
  });
}
