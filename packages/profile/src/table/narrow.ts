// What the lists of [include] and [exclude] leave of a rule: kinds, ports, addresses. Hosts are narrowed where their
// lists are put in order.
import { formatAddress } from "@bunnel/wire";
import { isOfTcp, KINDS, type Kind } from "../notation/kinds.ts";
import { listEntries, type ListFile, type PortRange, type Profile, type Rule } from "../profile/profile.ts";
import type { Protocol } from "../profile/split-section.ts";
import { rangesOf, type AddressRange, type AddressRanges } from "./address-ranges.ts";

/** A rule's conditions that need no look at a message. */
export interface Narrowed {
  /** None: any port. */
  readonly ports: readonly PortRange[];
  /** Undefined: any address. */
  readonly addresses: AddressRanges | undefined;
}

/** The kinds of message that both sections let through. */
export function kindsLeft({ include, exclude }: Profile): readonly Kind[] {
  return KINDS.filter((kind) => isProtocolLeft(isOfTcp(kind) ? "tcp" : "udp", { include, exclude }));
}

/** Whether both sections let a protocol through. They know no ICMP: who includes others leaves it out. */
export function isProtocolLeft(
  protocol: Protocol | "icmp",
  { include, exclude }: Pick<Profile, "include" | "exclude">,
): boolean {
  const isIn = (protocols: readonly string[]): boolean => protocols.includes(protocol);
  return !isIn(exclude.protocols) && (include.protocols.length === 0 || isIn(include.protocols));
}

/** Undefined: nothing is left of it. */
export function narrowed(rule: Rule, { include }: Profile): Narrowed | undefined {
  const ports = sharedPorts(rule.ports, include.ports);
  if (ports === undefined) return undefined;
  const own = rangesOfLists(rule);
  const included = rangesOfLists(include);
  const addresses = own && included ? sharedRanges(own, included) : (own ?? included);
  if (addresses && addresses.ipv4.length + addresses.ipv6.length === 0) return undefined;
  return { ports, addresses };
}

interface AddressLists {
  readonly addresses: readonly string[];
  readonly addressesFile?: ListFile;
}

const known = new WeakMap<AddressLists, AddressRanges>();

/** The addresses of a list and of its file; undefined: there is neither, so that any will do. */
export function rangesOfLists(lists: AddressLists): AddressRanges | undefined {
  if (lists.addresses.length === 0 && lists.addressesFile === undefined) return undefined;
  const found = known.get(lists) ?? rangesOf([...lists.addresses, ...listEntries(lists.addressesFile)]);
  known.set(lists, found);
  return found;
}

/** Ports that are in both, where none means any; undefined: there is none. */
function sharedPorts(a: readonly PortRange[], b: readonly PortRange[]): readonly PortRange[] | undefined {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  const shared = a.flatMap((one) =>
    b.flatMap((other) => {
      const range = { first: Math.max(one.first, other.first), last: Math.min(one.last, other.last) };
      return range.first <= range.last ? [range] : [];
    }),
  );
  return shared.length === 0 ? undefined : shared;
}

function sharedRanges(a: AddressRanges, b: AddressRanges): AddressRanges {
  return { ipv4: sharedOf(a.ipv4, b.ipv4), ipv6: sharedOf(a.ipv6, b.ipv6) };
}

/** Of two ascending lists, in one walk. */
function sharedOf(a: readonly AddressRange[], b: readonly AddressRange[]): readonly AddressRange[] {
  const shared: AddressRange[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const one = a[i];
    const other = b[j];
    if (one === undefined || other === undefined) break;
    const first = one.first > other.first ? one.first : other.first;
    const last = one.last < other.last ? one.last : other.last;
    if (first <= last) shared.push({ first, last });
    if (one.last < other.last) i += 1;
    else j += 1;
  }
  return shared;
}

/** "203.0.113.0-203.0.113.255" */
export function rangeText({ first, last }: AddressRange, bytes: 4 | 16): string {
  const text = (address: bigint): string =>
    formatAddress(Uint8Array.fromHex(address.toString(16).padStart(bytes * 2, "0")));
  return `${text(first)}-${text(last)}`;
}
