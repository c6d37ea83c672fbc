// Which packets take the way through the device, as nftables rules. Pure: options in, rules out.
//
//   output    the hook: what a packet says decides first, since bulk data says nothing that is looked for. Each
//     |         comparison here is made for each packet of this machine: those of its mark and its way wait
//     | goto     1. UDP → datagrams, anything else but TCP   2. on the port of a stream
//     |          3. the start of a connection   4. a TLS ClientHello   5. on an HTTP port → http
//     v
//   datagrams a QUIC Initial, a datagram to a DNS port, to one whose datagrams are all wanted; there is no such chain
//             where none is asked for
//   http      the words with which a request starts
//     | goto
//     v
//   to-KIND   where all rules for a kind of message name their destinations: only those go on
//     | goto
//     v
//   selected  left alone: packets with our own mark, what leaves by no uplink, then destinations, ports, owners; the
//             rest is counted and gets the mark
//   echo      the same for echo requests, which have no ports
//   queries   the same for queries that are answered here: of destinations only those that the caller excludes
//
// A gateway has the same chains again, with "forwarded-" before their names, for what arrives from its networks:
//
//   forwarded           the hook: 1. not by an interface of those networks   2. packets that others have marked so
//   forwarded-selected  what is routed out by no uplink is left alone before all others; owners have no say
import { DeviceError, type PacketOwners, type SelectedKind, type Selection } from "@bunnel/device";
import { parsePrefix, type IpPrefix } from "../netcfg/address-text.ts";
import { counter, gotoVerdict, returnVerdict, untracked } from "../nft/expression.ts";
import { addMark, arrivesByNone, goesTo, isNotTcp, isRoutedByNone } from "../nft/match.ts";
import { isUdp, leavesByNone, markHas, markHasAny } from "../nft/match.ts";
import type { RangeSet, Rule } from "../nft/message.ts";
import { exceptRules, onlyTo } from "./destination-sets.ts";
import { dnsRules, echoRules, httpPortRules, methodRules, quicRules } from "./kinds.ts";
import { streamRules, synRules, tlsRules, udpRules } from "./kinds.ts";
import { ownerRules } from "./owner-rules.ts";
import { FORWARDED_MARK, OUR_MARK, SELECTED_MARK } from "./marks.ts";

const CHAIN_UDP = "datagrams";
const CHAIN_HTTP = "http";
const CHAIN_SELECTED = "selected";
const CHAIN_QUERIES = "queries";
const CHAIN_ECHO = "echo";
const CHAIN_MARKED = "marked";

/** Destinations that are left alone, besides those of LOCAL_DESTINATIONS. */
export const EXCLUDES_MAX = 1024;

/**
 * Private, link-local and multicast destinations: RFC 1918, RFC 3927, RFC 5771 with what lies above it; RFC 4291
 * section 2.5.6, RFC 4193, RFC 4291 section 2.7.
 */
export const LOCAL_DESTINATIONS: readonly string[] = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "224.0.0.0/3",
  "fe80::/10",
  "fc00::/7",
  "ff00::/8",
];

export interface SelectionScope {
  readonly uplinks: readonly string[];
  /** Prefixes that are reached without a router, and those that the caller excludes. */
  readonly excludes: readonly IpPrefix[];
  /** Those of them that the caller excludes. Default none. */
  readonly asked?: readonly IpPrefix[];
  readonly select: Selection;
  readonly include?: PacketOwners;
  readonly exclude?: PacketOwners;
  /** Interfaces of networks for which this machine is a router. Default none. */
  readonly gateway?: readonly string[];
}

/** Sets, and the chains that look them up. */
export interface SelectionTable {
  readonly sets: readonly RangeSet[];
  readonly chains: readonly SelectionChain[];
}

/** Where packets come into a chain by themselves: as this machine sends them, or as they arrive. */
export type ChainHook = "output" | "arrival";

export interface SelectionChain {
  readonly name: string;
  /** Undefined: packets come from other chains alone. */
  readonly hook?: ChainHook;
  readonly rules: readonly Rule[];
}

/** Kinds in the order of their chains. */
const KINDS: readonly SelectedKind[] = ["tls", "http", "quic", "dns", "syn", "udp", "echo"];

/** One of the two ways by which packets come. */
interface Path {
  readonly hook: ChainHook;
  /** The chain of the hook. */
  readonly head: string;
  /** Before the names of all others. */
  readonly prefix: string;
  /** What leaves at once. */
  readonly first: readonly Rule[];
  /** What is left alone, and the mark. */
  readonly last: SelectionTable;
}

/**
 * The chains of a selection, with their sets. The last rule that a selected packet meets sets the mark.
 * @throws DeviceError E_DEVICE_OPTION for impossible or too many ports and prefixes, or without an uplink;
 * E_UNSUPPORTED where control groups are named and the machine has none
 */
export function selectionTable(scope: SelectionScope): SelectionTable {
  const { uplinks, excludes, select, gateway = [], exclude } = scope;
  if (uplinks.length === 0) throw new DeviceError("E_DEVICE_OPTION", "uplinks: expected at least one, found none");
  if (excludes.length > EXCLUDES_MAX) {
    throw new DeviceError("E_DEVICE_OPTION", `excludes: expected at most ${EXCLUDES_MAX}, found ${excludes.length}`);
  }
  const own = pathTable(select, {
    ...{ hook: "output", head: "output", prefix: "" },
    first: [],
    last: lastChains(scope),
  });
  const waysOut = uplinks.filter((name) => exclude?.interfaces?.includes(name) !== true);
  if (gateway.length === 0) return own;
  // What is no flow of this machine's is not carried on by its sockets.
  const { udp: _, echo: __, queries: ___, ...packets } = select;
  const forwarded = pathTable(packets, {
    ...{ hook: "arrival", head: "forwarded", prefix: "forwarded-" },
    first: [
      [...arrivesByNone(gateway), returnVerdict()],
      [...markHasAny(FORWARDED_MARK), returnVerdict()],
    ],
    last: lastForwarded(scope, waysOut),
  });
  // Both look up the same sets.
  return { sets: own.sets, chains: [...own.chains, ...forwarded.chains] };
}

function pathTable(select: Selection, { hook, head, prefix, first, last }: Path): SelectionTable {
  const lastFor = (kind: SelectedKind): string => {
    if (kind === "echo") return prefix + CHAIN_ECHO;
    return prefix + (kind === "dns" && select.dnsOfNetwork === true ? CHAIN_QUERIES : CHAIN_SELECTED);
  };
  const limits = KINDS.flatMap((kind) => {
    const limit = select[kind] && onlyTo(kind, select.addresses, lastFor(kind));
    return limit ? [{ kind, ...limit }] : [];
  });
  const target = (kind: SelectedKind): string =>
    limits.some((limit) => limit.kind === kind) ? `${prefix}to-${kind}` : lastFor(kind);
  const udp = [
    ...quicRules(select.quic, target("quic")),
    ...dnsRules(select.dns, target("dns")),
    ...udpRules(select.udp, target("udp")),
  ];
  const rules = [
    ...first,
    ...(udp.length > 0 ? [[...isUdp(), gotoVerdict(prefix + CHAIN_UDP)]] : []),
    ...(select.echo === true ? echoRules(target("echo")) : []),
    [...isNotTcp(), returnVerdict()],
    ...streamRules(select.queries, target("dns")),
    ...streamRules(select.stream, prefix + CHAIN_SELECTED),
    ...synRules(select.syn, target("syn")),
    ...tlsRules(select.tls, target("tls")),
    ...httpPortRules(select.http, prefix + CHAIN_HTTP),
  ];
  return {
    sets: [...limits.flatMap(({ sets }) => sets), ...last.sets],
    chains: [
      { name: head, hook, rules },
      ...(udp.length > 0 ? [{ name: prefix + CHAIN_UDP, rules: udp }] : []),
      { name: prefix + CHAIN_HTTP, rules: methodRules(target("http")) },
      ...limits.map((limit) => ({ name: `${prefix}to-${limit.kind}`, rules: limit.rules })),
      ...last.chains,
    ],
  };
}

/** What this machine's own packets meet last. */
function lastChains(scope: SelectionScope): SelectionTable {
  const { uplinks, excludes, asked = [], select, include = {}, exclude = {} } = scope;
  const notOurs: readonly Rule[] = [
    [...markHas(OUR_MARK), returnVerdict()],
    [...leavesByNone(uplinks), returnVerdict()],
  ];
  const except = exceptRules(select.except);
  const owners = ownerRules(include, exclude, CHAIN_MARKED);
  const behind = [...except.rules, ...owners.rules];
  // An echo request has no port: what stands in its place is anything.
  const withoutPorts = exceptRules(select.except && { ...select.except, ports: [] }).rules;
  const mark: Rule = [counter(), ...addMark(SELECTED_MARK)];
  const marksApart = (include.cgroups ?? []).length > 0;
  const chain = (name: string, rules: readonly Rule[]): SelectionChain => {
    return { name, rules: [...notOurs, ...rules, ...(marksApart ? [] : [mark])] };
  };
  return {
    sets: [...except.sets, ...owners.sets],
    chains: [
      chain(CHAIN_SELECTED, [...leftAlone(excludes), ...behind]),
      ...(select.echo === true ? [chain(CHAIN_ECHO, [...leftAlone(excludes), ...withoutPorts, ...owners.rules])] : []),
      ...(takesQueries(select) ? [chain(CHAIN_QUERIES, [...asked.map(excludeRule), ...behind])] : []),
      ...(marksApart ? [{ name: CHAIN_MARKED, rules: [mark] }] : []),
    ],
  };
}

/**
 * What forwarded packets meet last. They are hidden from connection tracking on their way into the device: it would
 * translate their addresses there, or end a masqueraded connection because it left by another interface. What leaves
 * by the raw socket is tracked and translated as the connection's own.
 */
function lastForwarded({ excludes, asked = [], select }: SelectionScope, waysOut: readonly string[]): SelectionTable {
  const except = exceptRules(select.except);
  const elsewhere: Rule = [...isRoutedByNone(waysOut), returnVerdict()];
  const mark: Rule = [counter(), untracked(), ...addMark(FORWARDED_MARK)];
  const chain = (name: string, rules: readonly Rule[]): SelectionChain => ({
    name: `forwarded-${name}`,
    rules: [elsewhere, ...rules, ...except.rules, mark],
  });
  return {
    sets: except.sets,
    chains: [
      chain(CHAIN_SELECTED, leftAlone(excludes)),
      ...(takesQueries(select) ? [chain(CHAIN_QUERIES, asked.map(excludeRule))] : []),
    ],
  };
}

function takesQueries({ dns, dnsOfNetwork }: Selection): boolean {
  return dns !== undefined && dnsOfNetwork === true;
}

function leftAlone(excludes: readonly IpPrefix[]): Rule[] {
  return [...LOCAL_DESTINATIONS.map(parsePrefix), ...excludes].map(excludeRule);
}

function excludeRule({ family, octets, prefixLength }: IpPrefix): Rule {
  return [...goesTo(family, octets, prefixLength), returnVerdict()];
}
