// The words of the notation and their numbers in a rule table.
import { L7, Marker, Technique } from "@bunnel/abi";
import type { Kind, Operation, Point } from "../notation/strategy.ts";
import { FAMILIES, type Family } from "../profile/profile.ts";

export const KIND_L7: Readonly<Record<Kind, L7>> = { tls: L7.Tls, http: L7.Http };

export const TECHNIQUES: Readonly<Record<Operation["technique"], Technique>> = {
  split: Technique.Split,
  disorder: Technique.Disorder,
  fake: Technique.Fake,
};

export const POINT_MARKERS: Readonly<Record<Point["marker"], Marker>> = {
  absolute: Marker.Absolute,
  method: Marker.Method,
  host: Marker.Host,
  endhost: Marker.EndHost,
  sld: Marker.Sld,
  midsld: Marker.MidSld,
  endsld: Marker.EndSld,
  sniext: Marker.SniExt,
};

/** The word of a number; undefined when there is none. */
export function wordOf<Word extends string>(words: Readonly<Record<Word, number>>, number: number): Word | undefined {
  return (Object.keys(words) as Word[]).find((word) => words[word] === number);
}

/** Bit 0 IPv4, bit 1 IPv6. */
export function familyMask(families: readonly Family[]): number {
  return families.reduce((mask, family) => mask | (1 << FAMILIES.indexOf(family)), 0);
}

/** The bit of a kind in a rule's mask. */
export function kindBit(kind: Kind): number {
  return 1 << KIND_L7[kind];
}
