// Which packets take the way through the device, as nftables rules. Pure: options in, rules out.
//
//   output    the hook: what is not ours to look at leaves at once, bulk data after a few comparisons
//     | goto     1. packets with our own mark   2. not by an uplink   3. UDP → datagrams, anything else but TCP
//     |          4. on the port of a stream     5. the start of a connection
//     |          6. a TLS ClientHello           7. on an HTTP port → http
//     v
//   datagrams a QUIC Initial, a datagram to a DNS port, to one whose datagrams are all wanted; there is no such chain
//             where none is asked for
//   http      the words with which a request starts
//     | goto
//     v
//   to-KIND   where all rules for a kind of message name their destinations: only those go on
//     | goto
//     v
//   selected  destinations, ports, owners that are left alone; the rest is counted and gets the mark
//   echo      the same for echo requests, which have no ports
//   queries   the same for queries that are answered here: of destinations only those that the caller excludes
import { DeviceError, type PacketOwners, type SelectedKind, type Selection } from "@bunnel/device";
import { parsePrefix, type IpPrefix } from "../netcfg/address-text.ts";
import { counter, gotoVerdict, returnVerdict } from "../nft/expression.ts";
import { addMark, carries, carriesBits, goesTo, hasDestinationPort } from "../nft/match.ts";
import { isEchoRequest, isNotTcp, isUdp, leavesByNone, markHas, opensConnection } from "../nft/match.ts";
import type { RangeSet, Rule } from "../nft/message.ts";
import { exceptRules, onlyTo } from "./destination-sets.ts";
import { ownerRules } from "./owner-rules.ts";
import { OUR_MARK, SELECTED_MARK } from "./marks.ts";

export const CHAIN_OUTPUT = "output";
const CHAIN_UDP = "datagrams";
const CHAIN_HTTP = "http";
const CHAIN_SELECTED = "selected";
const CHAIN_QUERIES = "queries";
const CHAIN_ECHO = "echo";
const CHAIN_MARKED = "marked";

/** Destination ports of one kind of message. */
export const SELECTED_PORTS_MAX = 64;
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

/** A TLS record of a handshake, version 3.x: RFC 8446 section 5.1. */
const TLS_HANDSHAKE = Uint8Array.of(0x16, 0x03);
/** The handshake message behind the record's five octets is a ClientHello: RFC 8446 section 4. */
const TLS_HANDSHAKE_TYPE_AT = 5;
const TLS_CLIENT_HELLO = Uint8Array.of(0x01);

/** Of a long header: form, fixed bit, type; the four bits behind them are protected. Then the version. RFC 9000 17.2 */
const QUIC_MASK = Uint8Array.of(0xf0, 0xff, 0xff, 0xff, 0xff);
const QUIC_INITIALS = [
  /** Version 1: RFC 9000 sections 15 and 17.2.2 */
  Uint8Array.of(0xc0, 0x00, 0x00, 0x00, 0x01),
  /** Version 2: RFC 9369 sections 3.1 and 3.2 */
  Uint8Array.of(0xd0, 0x6b, 0x33, 0x43, 0xcf),
];
const QUIC_PORT = 443; // RFC 9114 section 3.1
const DNS_PORT = 53; // RFC 1035 section 4.2

/** RFC 9110 section 9.3 and RFC 5789. */
const HTTP_METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"];

export interface SelectionScope {
  readonly uplinks: readonly string[];
  /** Prefixes that are reached without a router, and those that the caller excludes. */
  readonly excludes: readonly IpPrefix[];
  /** Those of them that the caller excludes. Default none. */
  readonly asked?: readonly IpPrefix[];
  readonly select: Selection;
  readonly include?: PacketOwners;
  readonly exclude?: PacketOwners;
}

const ECHO_FAMILIES = [4, 6] as const;

/** Sets, and the chains that look them up; the first is that of the hook. */
export interface SelectionTable {
  readonly sets: readonly RangeSet[];
  readonly chains: readonly SelectionChain[];
}

export interface SelectionChain {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** Kinds in the order of their chains. */
const KINDS: readonly SelectedKind[] = ["tls", "http", "quic", "dns", "syn", "udp", "echo"];

/**
 * The chains of a selection, with their sets. The last rule that a selected packet meets sets the mark.
 * @throws DeviceError E_DEVICE_OPTION for impossible or too many ports and prefixes, or without an uplink;
 * E_UNSUPPORTED where control groups are named and the machine has none
 */
export function selectionTable(scope: SelectionScope): SelectionTable {
  const { uplinks, select } = scope;
  if (uplinks.length === 0) throw new DeviceError("E_DEVICE_OPTION", "uplinks: expected at least one, found none");
  const limits = KINDS.flatMap((kind) => {
    const limit = select[kind] && onlyTo(kind, select.addresses, lastFor(kind, select));
    return limit ? [{ kind, ...limit }] : [];
  });
  const target = (kind: SelectedKind): string =>
    limits.some((limit) => limit.kind === kind) ? `to-${kind}` : lastFor(kind, select);
  const udp = [
    ...quicRules(select.quic, target("quic")),
    ...dnsRules(select.dns, target("dns")),
    ...onPorts("udp", select.udp, [gotoVerdict(target("udp"))]),
  ];
  const echo = select.echo === true ? ECHO_FAMILIES.map((family) => echoRule(family, target("echo"))) : [];
  const output = [
    ...outputRules(uplinks, udp.length > 0, echo),
    ...onPorts("queries", select.queries, [gotoVerdict(target("dns"))]),
    ...streamRules(select.stream),
    ...synRules(select.syn, target("syn")),
    ...tlsRules(select.tls, target("tls")),
    ...httpPortRules(select.http),
  ];
  const last = lastChains(scope);
  return {
    sets: [...limits.flatMap(({ sets }) => sets), ...last.sets],
    chains: [
      { name: CHAIN_OUTPUT, rules: output },
      ...(udp.length > 0 ? [{ name: CHAIN_UDP, rules: udp }] : []),
      { name: CHAIN_HTTP, rules: HTTP_METHODS.map((method) => methodRule(method, target("http"))) },
      ...limits.map(({ kind, rules }) => ({ name: `to-${kind}`, rules })),
      ...last.chains,
    ],
  };
}

/** Where a selected packet of a kind meets what is left alone. */
function lastFor(kind: SelectedKind, { dnsOfNetwork }: Selection): string {
  if (kind === "echo") return CHAIN_ECHO;
  return kind === "dns" && dnsOfNetwork === true ? CHAIN_QUERIES : CHAIN_SELECTED;
}

/** What is left alone, and the mark. */
function lastChains({ excludes, asked = [], select, include = {}, exclude = {} }: SelectionScope): SelectionTable {
  if (excludes.length > EXCLUDES_MAX) {
    throw new DeviceError("E_DEVICE_OPTION", `excludes: expected at most ${EXCLUDES_MAX}, found ${excludes.length}`);
  }
  const leftAlone = [...LOCAL_DESTINATIONS.map(parsePrefix), ...excludes].map(excludeRule);
  const except = exceptRules(select.except);
  const owners = ownerRules(include, exclude, CHAIN_MARKED);
  const behind = [...except.rules, ...owners.rules];
  const before = [...leftAlone, ...behind];
  // An echo request has no port: what stands in its place is anything.
  const ofEcho = [...LOCAL_DESTINATIONS.map(parsePrefix), ...excludes].map(excludeRule);
  const echo = [...ofEcho, ...exceptRules(select.except && { ...select.except, ports: [] }).rules, ...owners.rules];
  const queries = [...asked.map(excludeRule), ...behind];
  const isLocal = select.dns !== undefined && select.dnsOfNetwork === true;
  const mark: Rule = [counter(), ...addMark(SELECTED_MARK)];
  const sets = [...except.sets, ...owners.sets];
  const marksApart = (include.cgroups ?? []).length > 0;
  const chain = (name: string, rules: readonly Rule[]): SelectionChain => {
    return { name, rules: marksApart ? rules : [...rules, mark] };
  };
  return {
    sets,
    chains: [
      chain(CHAIN_SELECTED, before),
      ...(select.echo === true ? [chain(CHAIN_ECHO, echo)] : []),
      ...(isLocal ? [chain(CHAIN_QUERIES, queries)] : []),
      ...(marksApart ? [{ name: CHAIN_MARKED, rules: [mark] }] : []),
    ],
  };
}

function outputRules(uplinks: readonly string[], withUdp: boolean, echo: readonly Rule[]): Rule[] {
  return [
    [...markHas(OUR_MARK), returnVerdict()],
    [...leavesByNone(uplinks), returnVerdict()],
    ...(withUdp ? [[...isUdp(), gotoVerdict(CHAIN_UDP)]] : []),
    ...echo,
    [...isNotTcp(), returnVerdict()],
  ];
}

function echoRule(family: 4 | 6, target: string): Rule {
  return [...isEchoRequest(family), gotoVerdict(target)];
}

function quicRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return portsOr(QUIC_PORT, "quic", ports).flatMap((port) =>
    QUIC_INITIALS.map((start) => [
      ...hasDestinationPort(port),
      ...carriesBits(0, QUIC_MASK, start),
      gotoVerdict(target),
    ]),
  );
}

function dnsRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return portsOr(DNS_PORT, "dns", ports).map((port) => [...hasDestinationPort(port), gotoVerdict(target)]);
}

/**
 * All packets of a port, not only those of flows that began since: who reads them knows which flows are which, and lets
 * the others go on as they came.
 */
function streamRules(ports: readonly number[] | undefined): Rule[] {
  return onPorts("stream", ports, [gotoVerdict(CHAIN_SELECTED)]);
}

function synRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return onPorts("syn", ports, [...opensConnection(), gotoVerdict(target)]);
}

function tlsRules(ports: readonly number[] | undefined, target: string): Rule[] {
  return onPorts("tls", ports, [
    ...carries(0, TLS_HANDSHAKE),
    ...carries(TLS_HANDSHAKE_TYPE_AT, TLS_CLIENT_HELLO),
    gotoVerdict(target),
  ]);
}

function httpPortRules(ports: readonly number[] | undefined): Rule[] {
  return checkedPorts("http", ports ?? []).map((port) => [...hasDestinationPort(port), gotoVerdict(CHAIN_HTTP)]);
}

/** The space belongs to the word, so that "GETTING" is none. */
function methodRule(method: string, target: string): Rule {
  return [...carries(0, new TextEncoder().encode(`${method} `)), gotoVerdict(target)];
}

function excludeRule({ family, octets, prefixLength }: IpPrefix): Rule {
  return [...goesTo(family, octets, prefixLength), returnVerdict()];
}

/** The rule for each port; without ports, for any. */
function onPorts(kind: string, ports: readonly number[] | undefined, rule: Rule): Rule[] {
  if (ports === undefined) return [];
  if (ports.length === 0) return [rule];
  return checkedPorts(kind, ports).map((port) => [...hasDestinationPort(port), ...rule]);
}

function portsOr(usual: number, kind: string, ports: readonly number[] | undefined): readonly number[] {
  return ports?.length === 0 ? [usual] : checkedPorts(kind, ports ?? []);
}

function checkedPorts(kind: string, ports: readonly number[]): readonly number[] {
  if (ports.length > SELECTED_PORTS_MAX) {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `${kind} ports: expected at most ${SELECTED_PORTS_MAX}, found ${ports.length}`,
    );
  }
  for (const port of ports) {
    if (!Number.isInteger(port) || port < 1 || port > 0xffff) {
      throw new DeviceError("E_DEVICE_OPTION", `${kind} port: expected 1…65535, found ${port}`);
    }
  }
  return ports;
}
