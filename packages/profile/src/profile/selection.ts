// Which packets the rules can ask for, so that interception brings up no others.
import { ProfileError } from "../errors.ts";
import { egressOf } from "../notation/egress.ts";
import { isStreamKind, KINDS, streamPorts, type Kind } from "../notation/kinds.ts";
import type { Clause } from "../notation/strategy.ts";
import { mergedRanges } from "../table/address-ranges.ts";
import { answersQueries } from "../table/table-rules.ts";
import { isProtocolLeft, kindsLeft, narrowed, rangesOfLists, rangeText, type Narrowed } from "../table/narrow.ts";
import { FAMILIES, type Family, type PortRange, type Profile, type Rule } from "./profile.ts";

/**
 * Destination ports per kind of message, ascending. For tls and syn none means any. A kind left out is not wanted.
 * Addresses are written as "203.0.113.0-203.0.113.255".
 */
export interface ProfileSelection {
  readonly tls?: readonly number[];
  readonly http?: readonly number[];
  readonly quic?: readonly number[];
  readonly dns?: readonly number[];
  /** Queries are answered here: those to the network's own server come up too. */
  readonly dnsOfNetwork?: true;
  readonly syn?: readonly number[];
  /** TCP ports of which every packet is wanted, because the rules carry such flows by sockets; none: any. */
  readonly stream?: readonly number[];
  /** TCP ports whose connections carry DNS queries that are answered here. */
  readonly queries?: readonly number[];
  /** UDP ports of which every datagram is wanted, because the rules carry them by sockets; none: any. */
  readonly udp?: readonly number[];
  /** ICMP echo requests are wanted. */
  readonly echo?: true;
  /** Destinations per kind, where its rules name all of theirs. A kind left out: any. */
  readonly addresses?: Readonly<Partial<Record<Kind | "udp" | "echo", readonly string[]>>>;
  /** Destinations and ports that no rule acts on. */
  readonly except?: { readonly addresses: readonly string[]; readonly ports: readonly PortRange[] };
}

/**
 * What a rule without ports means for kinds that interception cannot tell from other traffic on just any port;
 * undefined: any port. RFC 9110 section 4.2.1, RFC 9114 section 3.1, RFC 1035 section 4.2.1.
 */
const USUAL_PORT: Readonly<Record<Kind, number | undefined>> = {
  tls: undefined,
  http: 80,
  quic: 443,
  dns: 53,
  syn: undefined,
};
/** Ports that interception tells apart. */
const STREAM_PORTS_MAX = 64;
/** Ports that interception is asked to list one by one. */
const PORTS_MAX = 1024;
/** Ranges of addresses that interception is given; it looks them through for each packet that comes up. */
const RANGES_MAX = 8192;

/**
 * What interception must select: everything that an enabled rule would rewrite or drop. Rules that leave messages alone
 * select nothing. Of rules whose flows leave by sockets, tls and http select all packets of their ports.
 * @throws ProfileError E_RULES_LIMIT when rules for HTTP, QUIC or DNS name more than 1024 ports
 */
export function selectionOf(profile: Profile): ProfileSelection {
  if (!profile.enabled) return {};
  const left = kindsLeft(profile);
  const wanted = KINDS.filter((kind) => left.includes(kind)).flatMap((kind) => {
    const rules = rulesFor(profile, kind);
    return rules.length === 0 ? [] : [{ kind, rules }];
  });
  const udp = carriedRules(profile, "udp");
  const echo = carriedRules(profile, "icmp");
  const queries = queryPorts(profile);
  const limited = [...wanted, { kind: "udp" as const, rules: udp }, { kind: "echo" as const, rules: echo }];
  const addresses = limited.flatMap(({ kind, rules }) => {
    const texts = rules.length === 0 ? undefined : destinationsOf(rules);
    return texts === undefined ? [] : [[kind, texts] as const];
  });
  const except = exceptOf(profile);
  const stream = streamPortsOf(profile, left);
  return {
    ...Object.fromEntries(wanted.map(({ kind, rules }) => [kind, portsFor(kind, rules)] as const)),
    ...(wanted.some(({ kind }) => kind === "dns") && hasAnswers(profile) && { dnsOfNetwork: true as const }),
    ...(addresses.length > 0 && { addresses: Object.fromEntries(addresses) }),
    ...(except && { except }),
    ...(stream && { stream }),
    ...(queries.length > 0 && { queries }),
    ...(udp.length > 0 && { udp: shortPorts(udp.some(({ ports }) => ports.length === 0) ? [] : listPorts(udp)) }),
    ...(echo.length > 0 && { echo: true as const }),
  };
}

/** Ports of rules that answer queries, whatever their names. */
function queryPorts(profile: Profile): readonly number[] {
  const { include } = profile;
  const isOfHosts = include.hosts.length > 0 || include.hostsFile !== undefined;
  if (isOfHosts || !isProtocolLeft("tcp", profile) || !isProtocolLeft("udp", profile)) return [];
  const ports = profile.rules
    .filter(({ enabled, hosts, hostsFile }) => enabled && hosts.length === 0 && hostsFile === undefined)
    .filter(({ strategy }) => strategy.clauses.some(answersQueries))
    .flatMap((rule) => {
      const left = narrowed(rule, profile);
      if (left === undefined) return [];
      return left.ports.length > 0 ? listPorts([left]) : streamPorts("dns");
    });
  const each = [...new Set(ports)].toSorted((a, b) => a - b);
  // As many as interception tells apart; the others go to their servers.
  return each.slice(0, STREAM_PORTS_MAX);
}

/** Rules whose datagrams or echo requests leave by sockets. */
function carriedRules(profile: Profile, what: "udp" | "icmp"): readonly Wanted[] {
  if (!isProtocolLeft(what, profile)) return [];
  return profile.rules
    .filter((rule) => rule.enabled && rule.carries.includes(what) && egressOf(rule) === "stream")
    .flatMap((rule) => {
      const left = narrowed(rule, profile);
      return left === undefined ? [] : [{ ...left, families: rule.families }];
    });
}

/** The rules look at the port again, so a long list may as well be any port. */
function shortPorts(ports: readonly number[]): readonly number[] {
  return ports.length > STREAM_PORTS_MAX ? [] : ports;
}

/** Undefined: no rule wants any. */
function streamPortsOf(profile: Profile, left: readonly Kind[]): readonly number[] | undefined {
  const ports = profile.rules
    .filter((rule) => rule.enabled && rule.carries.includes("tcp") && egressOf(rule) === "stream")
    .flatMap((rule) => {
      const kinds = rule.strategy.clauses.filter((clause) => isStreamKind(clause.kind) && acts(clause));
      const own = kinds.filter(({ kind }) => left.includes(kind));
      const narrow = narrowed(rule, profile);
      if (own.length === 0 || narrow === undefined) return [];
      return narrow.ports.length > 0 ? listPorts([narrow]) : own.flatMap(({ kind }) => streamPorts(kind));
    });
  if (ports.length === 0) return undefined;
  return shortPorts([...new Set(ports)].toSorted((a, b) => a - b));
}

/** Whether a rule answers DNS queries here instead of sending them on. */
function hasAnswers({ rules }: Profile): boolean {
  return rules.some(({ enabled, strategy }) => enabled && strategy.clauses.some(answersQueries));
}

/** A rule that acts on a kind, with the conditions that interception can look at. */
interface Wanted extends Narrowed {
  readonly families: readonly Family[];
}

function rulesFor(profile: Profile, kind: Kind): readonly Wanted[] {
  return profile.rules
    .filter(
      (rule) =>
        rule.enabled &&
        !(isStreamKind(kind) && egressOf(rule) === "stream") &&
        rule.strategy.clauses.some((clause) => clause.kind === kind && acts(clause)),
    )
    .flatMap((rule) => {
      const left = narrowed(rule, profile);
      return left === undefined ? [] : [{ ...left, families: rule.families }];
    });
}

function acts(clause: Clause): boolean {
  return clause.operations.length > 0;
}

/** All addresses of a family. */
const EVERYWHERE = { ipv4: { first: 0n, last: 0xffff_ffffn }, ipv6: { first: 0n, last: (1n << 128n) - 1n } } as const;
const FAMILY_BYTES = { ipv4: 4, ipv6: 16 } as const;

/** Where these rules can act; undefined: everywhere, or in more places than the kernel shall look through. */
function destinationsOf(rules: readonly Wanted[]): readonly string[] | undefined {
  const perFamily = FAMILIES.map((family) => {
    const own = rules.filter(({ families }) => families.includes(family));
    const isAny = own.some(({ addresses }) => addresses === undefined);
    const ranges = isAny
      ? [EVERYWHERE[family]]
      : mergedRanges(own.flatMap(({ addresses }) => addresses?.[family] ?? []));
    return { isAny, texts: ranges.map((range) => rangeText(range, FAMILY_BYTES[family])) };
  });
  const texts = perFamily.flatMap((family) => family.texts);
  return perFamily.every(({ isAny }) => isAny) || texts.length > RANGES_MAX ? undefined : texts;
}

/** What `[exclude]` lists, and what rules leave alone that stand before all that act. */
function exceptOf(profile: Profile): ProfileSelection["except"] {
  const sorted = profile.rules.filter(({ enabled }) => enabled).toSorted((a, b) => b.priority - a.priority);
  const end = sorted.findIndex(({ strategy }) => strategy.clauses.some(acts));
  const before = sorted.slice(0, Math.max(0, end)).filter(isPlainPass);
  const lists = [profile.exclude, ...before.filter(({ ports }) => ports.length === 0)].flatMap(
    (each) => rangesOfLists(each) ?? [],
  );
  const addresses = FAMILIES.flatMap((family) =>
    mergedRanges(lists.flatMap((each) => each[family])).map((range) => rangeText(range, FAMILY_BYTES[family])),
  );
  const ports = [profile.exclude, ...before.filter((each) => rangesOfLists(each) === undefined)].flatMap(
    (each) => each.ports,
  );
  // Long lists are looked through by the engine.
  const short = addresses.length > RANGES_MAX ? [] : addresses;
  return short.length + ports.length === 0 ? undefined : { addresses: short, ports };
}

/** It looks at nothing but addresses and ports. */
function isPlainPass(rule: Rule): boolean {
  const { hosts, hostsFile, families, direction, packets, strategy } = rule;
  const isAll = strategy.clauses.length === KINDS.length && families.length === FAMILIES.length;
  return isAll && hosts.length === 0 && hostsFile === undefined && direction === "both" && packets === undefined;
}

function portsFor(kind: Kind, rules: readonly Wanted[]): readonly number[] {
  const usual = USUAL_PORT[kind];
  const isAny = rules.some(({ ports }) => ports.length === 0);
  if (isAny && usual === undefined) return [];
  const ports = listPorts(rules);
  if (isAny && usual !== undefined && !ports.includes(usual)) ports.push(usual);
  if (ports.length <= PORTS_MAX) return ports.toSorted((a, b) => a - b);
  // The rules look at the port again, so a long list may as well be any port.
  if (usual === undefined) return [];
  const message = `ports of rules for ${kind}: expected at most ${PORTS_MAX} together, found ${ports.length}`;
  throw new ProfileError("E_RULES_LIMIT", [{ message }], "profile");
}

function listPorts(rules: readonly Pick<Wanted, "ports">[]): number[] {
  const ports = new Set<number>();
  for (const { first, last } of rules.flatMap((rule) => rule.ports)) {
    for (let port = first; port <= last; port += 1) ports.add(port);
  }
  return [...ports].toSorted((a, b) => a - b);
}
