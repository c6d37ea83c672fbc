// The words of the notation and their numbers in a rule table.
import * as abi from "@bunnel/abi";
import type { FoolingWord, HelloChanges } from "../notation/content.ts";
import type { Kind, Point } from "../notation/kinds.ts";
import type { HttpTrickWord, IpIdWord, PacketTechniqueName } from "../notation/strategy.ts";
import { FAMILIES, type Direction, type Family } from "../profile/profile.ts";
import type { TableEgress } from "./table-rules.ts";

export const KIND_L7: Readonly<Record<Kind, abi.L7>> = {
  tls: abi.L7.Tls,
  http: abi.L7.Http,
  quic: abi.L7.Quic,
  dns: abi.L7.Dns,
  syn: abi.L7.Syn,
};

export const TECHNIQUES: Readonly<Record<PacketTechniqueName, abi.Technique>> = {
  split: abi.Technique.Split,
  disorder: abi.Technique.Disorder,
  fake: abi.Technique.Fake,
  seqovl: abi.Technique.SeqOvl,
  fakedsplit: abi.Technique.FakedSplit,
  hostfakesplit: abi.Technique.HostFakeSplit,
  syndata: abi.Technique.SynData,
  synack: abi.Technique.SynAck,
  rst: abi.Technique.Rst,
  window: abi.Technique.Window,
  mss: abi.Technique.Mss,
  ipfrag: abi.Technique.IpFrag,
  udplen: abi.Technique.UdpLen,
  drop: abi.Technique.Drop,
  httphost: abi.Technique.HttpTrick,
  ipid: abi.Technique.IpId,
  dup: abi.Technique.Duplicate,
  delay: abi.Technique.Delay,
  ttl: abi.Technique.Ttl,
  tos: abi.Technique.Tos,
  doh: abi.Technique.Doh,
  redirect: abi.Technique.Redirect,
};

export const POINT_MARKERS: Readonly<Record<Point["marker"], abi.Marker>> = {
  absolute: abi.Marker.Absolute,
  method: abi.Marker.Method,
  host: abi.Marker.Host,
  endhost: abi.Marker.EndHost,
  sld: abi.Marker.Sld,
  midsld: abi.Marker.MidSld,
  endsld: abi.Marker.EndSld,
  sniext: abi.Marker.SniExt,
};

/** Foolings that are one bit; `ttl=auto` has one of its own. */
export const FOOLING_BITS: Readonly<Record<FoolingWord, abi.Fooling>> = {
  ttl: abi.Fooling.Ttl,
  badsum: abi.Fooling.BadSum,
  badseq: abi.Fooling.BadSeq,
  md5sig: abi.Fooling.Md5Sig,
  datanoack: abi.Fooling.DataNoAck,
  ts: abi.Fooling.Ts,
  dataofs: abi.Fooling.DataOffset,
};

export const CHANGE_FLAGS: Readonly<Record<keyof HelloChanges, abi.OpFlag>> = {
  rndsni: abi.OpFlag.RandomName,
  dupsid: abi.OpFlag.DupSessionId,
  padencap: abi.OpFlag.PadEncap,
};

export const TRICK_BITS: Readonly<Record<HttpTrickWord, abi.HttpTrick>> = {
  case: abi.HttpTrick.HostCase,
  mixed: abi.HttpTrick.HostMixed,
  nospace: abi.HttpTrick.HostNoSpace,
  domcase: abi.HttpTrick.DomainCase,
  unixeol: abi.HttpTrick.UnixEol,
};

export const ID_SCHEMES: Readonly<Record<IpIdWord, abi.IpIdScheme>> = {
  seq: abi.IpIdScheme.Sequential,
  group: abi.IpIdScheme.Group,
  random: abi.IpIdScheme.Random,
  zero: abi.IpIdScheme.Zero,
};

export const EGRESS_NUMBERS: Readonly<Record<TableEgress, abi.RuleEgress>> = {
  packet: abi.RuleEgress.Packet,
  stream: abi.RuleEgress.Stream,
  datagrams: abi.RuleEgress.Datagrams,
  echo: abi.RuleEgress.Echo,
  left: abi.RuleEgress.Left,
};

/** Bits of what rules have carried on, as a table's header says it. */
export function carriedMask(egresses: readonly number[]): number {
  const carried: readonly number[] = [abi.RuleEgress.Datagrams, abi.RuleEgress.Echo];
  return egresses.reduce((mask, egress) => (carried.includes(egress) ? mask | (1 << egress) : mask), 0);
}

/** Bit 0 the side that opened the flow, bit 1 the other; 0 means both. */
export const DIRECTION_MASKS: Readonly<Record<Direction, number>> = { out: 1, in: 2, both: 0 };

/** The word of a number; undefined when there is none. */
export function wordOf<Word extends string>(words: Readonly<Record<Word, number>>, number: number): Word | undefined {
  return (Object.keys(words) as Word[]).find((word) => words[word] === number);
}

/** The words whose bits are set, in the order of the table. */
export function wordsIn<Word extends string>(bits: Readonly<Record<Word, number>>, mask: number): readonly Word[] {
  return (Object.keys(bits) as Word[]).filter((word) => (mask & bits[word]) !== 0);
}

/** The bits of words. */
export function bitsOf<Word extends string>(bits: Readonly<Record<Word, number>>, words: readonly Word[]): number {
  return words.reduce((mask, word) => mask | bits[word], 0);
}

/** Bit 0 IPv4, bit 1 IPv6. */
export function familyMask(families: readonly Family[]): number {
  return families.reduce((mask, family) => mask | (1 << FAMILIES.indexOf(family)), 0);
}

/** The bit of a kind in a rule's mask. */
export function kindBit(kind: Kind): number {
  return 1 << KIND_L7[kind];
}

/** The bits of kinds. */
export function kindMask(kinds: readonly Kind[]): number {
  return kinds.reduce((mask, kind) => mask | kindBit(kind), 0);
}
