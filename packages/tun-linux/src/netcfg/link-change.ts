// What can be changed about a link while it lives. Source: linux/if_link.h, linux/if.h.
import { DeviceError } from "@bunnel/device";
import { NetlinkMessage } from "../netlink/index.ts";
import { checkNumber, numberOfName, U32_MAX } from "./check.ts";
import * as ifla from "./link-attributes.ts";
import { checkLinkName, LINK_LOCAL_MODES, type LinkLocalMode } from "./links.ts";
import { parseOwnMac } from "./mac-text.ts";
import { systemFamily } from "./octets.ts";

/** IFALIASZ of linux/if.h without the NUL. */
const ALIAS_MAX_BYTES = 255;
const MTU_MAX = 0x7fffffff;

/** What can be changed about an interface; what is left out stays. */
export interface LinkChange {
  readonly up?: boolean;
  readonly mtuBytes?: number;
  /** Only while the interface is down; give `up: false` with it. */
  readonly name?: string;
  /** A text for people, at most 255 octets; "" removes it. */
  readonly alias?: string;
  /** Hardware address: "02:00:00:00:00:01". */
  readonly mac?: string;
  readonly txQueueLength?: number;
  readonly group?: number;
  /** Index of the bridge or bond that it joins; 0: it leaves the one that it has. */
  readonly master?: number;
  readonly arp?: boolean;
  readonly multicast?: boolean;
  readonly allMulticast?: boolean;
  readonly promiscuous?: boolean;
  /** Whether somebody is at the other end, for drivers that can be told: TUN devices, dummies. */
  readonly carrier?: boolean;
  /** "none": the kernel gives the interface no IPv6 link-local address by itself. */
  readonly ipv6LinkLocal?: LinkLocalMode;
  /** Descriptor of the network namespace that the interface moves to; it is done last. */
  readonly namespaceFd?: number;
}

/**
 * The requests of a change, in an order that the kernel accepts: down comes before all else (a name changes only while
 * down), up behind the rest (the link-local address is made on the way up), the move to another namespace last. All are
 * checked before the first is sent; the kernel may still refuse one in the middle.
 * @throws DeviceError E_DEVICE_OPTION for values that no interface can have
 */
export function setLinkRequests(index: number, change: LinkChange): NetlinkMessage[] {
  const requests: NetlinkMessage[] = [];
  const set = () => new NetlinkMessage(ifla.RTM_NEWLINK, 0, ifla.ifinfo(index));
  const flags = (on: number, mask: number) => new NetlinkMessage(ifla.RTM_NEWLINK, 0, ifla.ifinfo(index, on, mask));
  if (change.up === false) requests.push(flags(0, ifla.IFF_UP));
  if (change.name !== undefined) requests.push(set().string(ifla.IFLA_IFNAME, checkLinkName(change.name)));
  if (change.alias !== undefined) requests.push(set().attr(ifla.IFLA_IFALIAS, aliasOctets(change.alias)));
  if (change.mac !== undefined) requests.push(set().attr(ifla.IFLA_ADDRESS, parseOwnMac(change.mac)));
  requests.push(...numbersOf(change).map(([type, value]) => set().u32(type, value)));
  const [on, mask] = flagsOf(change);
  if (mask !== 0) requests.push(flags(on, mask));
  if (change.carrier !== undefined) requests.push(set().u8(ifla.IFLA_CARRIER, change.carrier ? 1 : 0));
  if (change.ipv6LinkLocal !== undefined) requests.push(setLinkLocal(set(), change.ipv6LinkLocal));
  if (change.up === true) requests.push(flags(ifla.IFF_UP, ifla.IFF_UP));
  if (change.namespaceFd !== undefined) requests.push(set().u32(ifla.IFLA_NET_NS_FD, change.namespaceFd));
  return requests;
}

/** Numbers of a link, as attributes; a new link takes the same. */
export function numbersOf({ mtuBytes, txQueueLength, group, master }: LinkChange): (readonly [number, number])[] {
  const numbers: [number, number][] = [];
  const add = (type: number, what: string, value: number | undefined, max: number) => {
    if (value !== undefined) numbers.push([type, checkNumber(what, value, max)]);
  };
  add(ifla.IFLA_MTU, "mtuBytes", mtuBytes, MTU_MAX);
  add(ifla.IFLA_TXQLEN, "txQueueLength", txQueueLength, U32_MAX);
  add(ifla.IFLA_GROUP, "group", group, U32_MAX);
  add(ifla.IFLA_MASTER, "master", master, MTU_MAX);
  return numbers;
}

/** The flags that are on, and those that are spoken of. */
function flagsOf({ arp, multicast, allMulticast, promiscuous }: LinkChange): readonly [on: number, mask: number] {
  const wishes: readonly (readonly [flag: number, on: boolean | undefined])[] = [
    [ifla.IFF_NOARP, arp === undefined ? undefined : !arp],
    [ifla.IFF_MULTICAST, multicast],
    [ifla.IFF_ALLMULTI, allMulticast],
    [ifla.IFF_PROMISC, promiscuous],
  ];
  const bits = (all: typeof wishes) => all.reduce((sum, [flag]) => sum | flag, 0);
  return [bits(wishes.filter(([, on]) => on)), bits(wishes.filter(([, on]) => on !== undefined))];
}

/** The kernel wants the text without a NUL; no octet at all removes it. */
function aliasOctets(alias: string): Uint8Array {
  const octets = new TextEncoder().encode(alias);
  if (octets.length <= ALIAS_MAX_BYTES && !octets.includes(0)) return octets;
  const found = `${octets.length} octets`;
  throw new DeviceError("E_DEVICE_OPTION", `alias: expected at most ${ALIAS_MAX_BYTES} octets, no NUL, found ${found}`);
}

function setLinkLocal(message: NetlinkMessage, mode: LinkLocalMode): NetlinkMessage {
  const number = numberOfName("ipv6LinkLocal", LINK_LOCAL_MODES, mode);
  const ofIpv6 = (inner: NetlinkMessage) => void inner.u8(ifla.IFLA_INET6_ADDR_GEN_MODE, number);
  return message.nested(ifla.IFLA_AF_SPEC, (spec) => void spec.nested(systemFamily(6), ofIpv6));
}
