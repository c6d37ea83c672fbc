// A profile's rules as a rule table has them: in the order in which they are looked at, each for one strategy.
import { PORT_RANGES_MAX } from "@bunnel/abi";
import { egressOf, type Carries } from "../notation/egress.ts";
import { isOfTcp, isStreamKind, KINDS, streamPorts, type Kind } from "../notation/kinds.ts";
import type { Clause } from "../notation/strategy.ts";
import { FAMILIES } from "../profile/profile.ts";
import type { Direction, Family, PacketRange, PortRange, Profile, Rule } from "../profile/profile.ts";
import type { AddressRanges } from "./address-ranges.ts";
import { canonicalHosts, sharedHosts, type HostLists } from "./narrow-hosts.ts";
import { isProtocolLeft, kindsLeft, narrowed, rangesOfLists } from "./narrow.ts";

/** How what a rule of a table is for leaves. */
export type TableEgress = "packet" | "stream" | "datagrams" | "echo" | "left";

/** One rule of a table. */
export interface TableRule {
  /** The profile's rule that it was made of, and its index there; undefined: it was made of `[exclude]`. */
  readonly name: string;
  readonly ruleIndex: number | undefined;
  readonly kinds: readonly Kind[];
  readonly families: readonly Family[];
  /** Ascending, apart from each other, at most PORT_RANGES_MAX; none: any port. */
  readonly ports: readonly PortRange[];
  /** Sorted, none below another: `example.org` with all below it, `=example.org` alone. None: any host. */
  readonly hosts: readonly string[];
  /** Undefined: any address. */
  readonly addresses: AddressRanges | undefined;
  readonly direction: Direction;
  /** Undefined: any packet. */
  readonly packets: PacketRange | undefined;
  /** Undefined: the message is left alone. */
  readonly clause: Clause | undefined;
  /**
   * "stream": flows that may begin with such a message leave by sockets. The others look at no message, and have no
   * kinds: "datagrams" and "echo" leave by sockets, "left": neither does.
   */
  readonly egress: TableEgress;
}

/**
 * The rules of the table that `encodeRules` writes, entry i being the table's rule i. Disabled rules are left out, and
 * so are rules whose lists are files without an entry: nothing is in them. A rule becomes one for each clause of its
 * strategy, and one with more port ranges than a table's rule can hold becomes several.
 * @throws ProfileError E_PROFILE for a host that is no name, which `parseProfile` lets nobody write
 */
export function tableRules(profile: Profile): readonly TableRule[] {
  if (!profile.enabled) return [];
  const kinds = kindsLeft(profile);
  const included = hostsOf("include", profile.include);
  const rules = profile.rules
    .map((rule, ruleIndex) => ({ rule, ruleIndex }))
    .filter(({ rule }) => rule.enabled)
    .toSorted((a, b) => b.rule.priority - a.rule.priority)
    .flatMap(({ rule, ruleIndex }) => expand(rule, ruleIndex, profile, included))
    .map((rule) => ({ ...rule, kinds: rule.kinds.filter((kind) => kinds.includes(kind)) }))
    .filter((rule) => rule.kinds.length > 0 || (!isOfMessages(rule.egress) && isLeft(rule.egress, profile)));
  // Where nothing is carried, nothing needs to be left.
  const isCarrying = rules.some(({ egress }) => egress === "datagrams" || egress === "echo");
  const needed = rules.filter(({ egress }) => egress !== "left" || isCarrying);
  return [...excluding(profile, needed, isCarrying), ...needed];
}

/** Undefined: any host. */
function hostsOf(owner: string, lists: HostLists): readonly string[] | undefined {
  if (lists.hosts.length === 0 && lists.hostsFile === undefined) return undefined;
  return canonicalHosts(owner, lists);
}

function expand(
  rule: Rule,
  ruleIndex: number,
  profile: Profile,
  included: readonly string[] | undefined,
): readonly TableRule[] {
  const { name, families, direction, packets } = rule;
  const left = narrowed(rule, profile);
  const own = hostsOf(`rule ${JSON.stringify(name)}`, rule);
  const hosts = own && included ? sharedHosts(own, included) : (own ?? included);
  if (left === undefined || hosts?.length === 0) return [];
  const { addresses } = left;
  // Which name a connection asks for is not known when it begins.
  const actions = actionsOf(rule, hosts === undefined && isProtocolLeft("tcp", profile));
  return actions.flatMap((action) =>
    portGroups(portsOf(left.ports, action)).map((ports) => {
      return { name, ruleIndex, ...action, families, ports, hosts: hosts ?? [], addresses, direction, packets };
    }),
  );
}

function isOfMessages(egress: TableEgress): boolean {
  return egress === "packet" || egress === "stream";
}

/** Whether both sections let such packets through. */
function isLeft(egress: TableEgress, profile: Profile): boolean {
  if (egress === "datagrams") return isProtocolLeft("udp", profile);
  return egress === "echo" ? isProtocolLeft("icmp", profile) : true;
}

/** Rules before all others that leave alone what `[exclude]` lists. */
function excluding({ exclude }: Profile, rules: readonly TableRule[], isCarrying: boolean): readonly TableRule[] {
  const any = {
    ...{ name: "exclude", ruleIndex: undefined, kinds: [...new Set(rules.flatMap(({ kinds }) => kinds))] },
    ...{ families: FAMILIES, ports: [], hosts: [], addresses: undefined },
    ...{ direction: "both" as const, packets: undefined, clause: undefined, egress: "packet" as const },
  };
  if (any.kinds.length === 0 && !isCarrying) return [];
  const hosts = hostsOf("exclude", exclude) ?? [];
  const addresses = rangesOfLists(exclude);
  const has = addresses !== undefined && addresses.ipv4.length + addresses.ipv6.length > 0;
  const excluded: readonly TableRule[] = [
    ...(exclude.ports.length > 0 ? portGroups(exclude.ports).map((ports) => ({ ...any, ports })) : []),
    ...(has ? [{ ...any, addresses }] : []),
    ...(hosts.length > 0 ? [{ ...any, hosts }] : []),
  ];
  const left = excluded.map((rule): TableRule => ({ ...rule, kinds: [], egress: "left" }));
  return [...(any.kinds.length > 0 ? excluded : []), ...(isCarrying ? left : [])];
}
type Action = Pick<TableRule, "kinds" | "clause" | "egress">;

/** Whether queries are answered here instead of sent on. */
export function answersQueries({ operations }: Clause): boolean {
  return operations.some(({ technique }) => technique === "doh" || technique === "redirect");
}

/** What of `carries` is no flow. */
const CARRIED_EGRESS: Readonly<Partial<Record<Carries, TableEgress>>> = { udp: "datagrams", icmp: "echo" };

/**
 * What a rule does to which kinds of message.
 * @param answersStreams whether DNS queries over TCP are answered where those over UDP are
 */
function actionsOf(rule: Rule, answersStreams: boolean): readonly Action[] {
  // What sockets carry out, the packet engine leaves alone.
  const isStream = egressOf(rule) === "stream";
  const { clauses } = rule.strategy;
  const carried = isStream ? rule.carries.flatMap((each) => CARRIED_EGRESS[each] ?? []) : [];
  const ofTcp = !isStream || rule.carries.includes("tcp");
  const streamed = clauses.filter((clause) => isStream && isStreamKind(clause.kind) && clause.operations.length > 0);
  const passed = clauses
    .filter(({ kind, operations }) => operations.length === 0 && (ofTcp || !isOfTcp(kind)))
    .map(({ kind }) => kind);
  const planned = clauses.filter((clause) => clause.operations.length > 0 && !streamed.includes(clause));
  const actions = planned.map((clause): Action => ({ kinds: [clause.kind], clause, egress: "packet" }));
  if (answersStreams && clauses.some(answersQueries)) {
    actions.push({ kinds: ["dns"], clause: undefined, egress: "stream" });
  }
  for (const egress of carried) actions.push({ kinds: [], clause: undefined, egress });
  // What leaves all messages alone leaves the rest alone, too.
  if (passed.length === KINDS.length && carried.length === 0) {
    actions.push({ kinds: [], clause: undefined, egress: "left" });
  }
  if (passed.length > 0) actions.push({ kinds: passed, clause: undefined, egress: "packet" });
  // Each kind has its own usual port.
  return [...actions, ...streamed.map(({ kind }): Action => ({ kinds: [kind], clause: undefined, egress: "stream" }))];
}

/** What a flow will carry is not known at its first packet: without ports, it is the usual one that tells. */
function portsOf(ports: readonly PortRange[], { egress, kinds }: Action): readonly PortRange[] {
  // An echo request has none.
  if (egress === "echo") return [];
  if (egress !== "stream" || ports.length > 0) return ports;
  return kinds.flatMap((kind) => streamPorts(kind).map((port) => ({ first: port, last: port })));
}

/** The ranges, merged where they touch, in groups that fit into one rule of a table each. */
function portGroups(ranges: readonly PortRange[]): readonly (readonly PortRange[])[] {
  const merged: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (!before || range.first > before.last + 1) merged.push({ first: range.first, last: range.last });
    else merged[merged.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
  }
  if (merged.length === 0) return [[]];
  const groups: PortRange[][] = [];
  for (let start = 0; start < merged.length; start += PORT_RANGES_MAX) {
    groups.push(merged.slice(start, start + PORT_RANGES_MAX));
  }
  return groups;
}
