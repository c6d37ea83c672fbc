// Whose packets are selected, as rules of the last chain: what is left alone returns, what is not included too.
import type { NumberRange, PacketOwners } from "@bunnel/device";
import { gotoVerdict, returnVerdict } from "../nft/expression.ts";
import { isInCgroup, isOwnedBySet, leavesBy, markHas, markLacks } from "../nft/match.ts";
import type { RangeSet, Rule } from "../nft/message.ts";
import { findCgroups } from "../owners/cgroups.ts";
import { EXCLUDED_PROCESS_MARK, INCLUDED_PROCESS_MARK } from "./marks.ts";

/** Rules, the sets that they look up, and whether the last of them lets a packet go on by name. */
export interface OwnerRules {
  readonly sets: readonly RangeSet[];
  readonly rules: readonly Rule[];
}

/** `selected` is the chain that packets of included control groups go to. */
export function ownerRules(include: PacketOwners, exclude: PacketOwners, selected: string): OwnerRules {
  const owners = (["user", "group"] as const).flatMap((owner) => [
    ...ownerSet(owner, owner === "user" ? exclude.users : exclude.groups, false),
    ...ownerSet(owner, owner === "user" ? include.users : include.groups, true),
  ]);
  const processes: Rule[] = [
    ...((exclude.processes ?? []).length > 0 ? [[...markHas(EXCLUDED_PROCESS_MARK), returnVerdict()]] : []),
    ...((include.processes ?? []).length > 0 ? [[...markLacks(INCLUDED_PROCESS_MARK), returnVerdict()]] : []),
  ];
  const excluded = findCgroups(exclude.cgroups ?? []).map(({ id, level }) => [
    ...isInCgroup(id, level),
    returnVerdict(),
  ]);
  const named = include.cgroups ?? [];
  const included: Rule[] = findCgroups(named).map(({ id, level }) => [...isInCgroup(id, level), gotoVerdict(selected)]);
  return {
    sets: owners.map(({ set }) => set),
    rules: [
      ...(exclude.interfaces ?? []).map((name) => [...leavesBy(name), returnVerdict()]),
      ...owners.map(({ rule }) => rule),
      ...processes,
      ...excluded,
      // These come last: what they let go on is asked nothing more.
      ...(named.length > 0 ? [...included, [returnVerdict()]] : []),
    ],
  };
}

function ownerSet(
  owner: "user" | "group",
  numbers: readonly NumberRange[] = [],
  isIncluded: boolean,
): { readonly set: RangeSet; readonly rule: Rule }[] {
  if (numbers.length === 0) return [];
  const name = `${isIncluded ? "included" : "excluded"}-${owner}s`;
  const set: RangeSet = { name, key: "number", keyBytes: 4, ranges: rangesOfNumbers(numbers, 4) };
  return [{ set, rule: [...isOwnedBySet(owner, name, isIncluded), returnVerdict()] }];
}

/** Ascending, apart from each other, as octets of the network's order. */
export function rangesOfNumbers(numbers: readonly NumberRange[], bytes: 2 | 4): RangeSet["ranges"] {
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of numbers.toSorted((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else merged.push({ first, last });
  }
  return merged.map(({ first, last }) => ({ first: octetsOf(first, bytes), last: octetsOf(last, bytes) }));
}

function octetsOf(number: number, bytes: 2 | 4): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 2) view.setUint16(0, number);
  else view.setUint32(0, number);
  return new Uint8Array(view.buffer);
}
