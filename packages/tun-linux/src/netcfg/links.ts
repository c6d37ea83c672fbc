// Network interfaces as netlink tells of them. Source: linux/if_link.h, linux/if.h, linux/rtnetlink.h.
import { DeviceError } from "@bunnel/device";
import { fromCString } from "@bunnel/ffi";
import { NetlinkMessage, parseAttributeList, parseAttributes, type ReceivedMessage } from "../netlink/index.ts";
import * as ifla from "./link-attributes.ts";
import { detailsOf, kindOf, type LinkDetails } from "./link-kinds.ts";
import { parseStatistics, type LinkStatistics } from "./link-statistics.ts";
import { formatMac } from "./mac-text.ts";
import { defined, i32Of, systemFamily, textOf, u16At, u32At, u32Of, u8At, u8Of, type Attributes } from "./octets.ts";

/** An interface name has room for 15 octets and a NUL. */
export const NAME_MAX_BYTES = 15;

/** RFC 2863 section 3.1.14; the numbers IF_OPER_* of linux/if.h are the places in this list. */
const OPER_STATES = ["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"] as const;
/** Whether packets can pass: unknown, notpresent, down, lowerlayerdown, testing, dormant, up (RFC 2863). */
export type OperState = (typeof OPER_STATES)[number];

/**
 * How the kernel makes the IPv6 link-local address: from the hardware address, not at all, from the secret in the
 * sysctl `stable_secret`, or from a secret of its own. The numbers IN6_ADDR_GEN_MODE_* are the places in this list.
 */
export const LINK_LOCAL_MODES = ["system", "none", "stable", "random"] as const;
/**
 * How the kernel makes the IPv6 link-local address. "system": from the hardware address; "none": not at all; "stable":
 * from the secret in the sysctl `stable_secret`; "random": from a secret of its own.
 */
export type LinkLocalMode = (typeof LINK_LOCAL_MODES)[number];

/** An interface as it is. */
export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  /** Further names, by which it can be found too. */
  readonly alternativeNames: readonly string[];
  /** A text for people. */
  readonly alias?: string;
  readonly mtuBytes: number;
  /** The limits of `mtuBytes`, where the driver tells them. */
  readonly minMtuBytes?: number;
  readonly maxMtuBytes?: number;
  readonly up: boolean;
  /** Up, and with a carrier. */
  readonly running: boolean;
  /** Somebody is at the other end. */
  readonly carrier: boolean;
  /** How often the carrier came or went. */
  readonly carrierChanges: number;
  readonly operState: OperState;
  /** IFF_* bits. */
  readonly flags: number;
  readonly loopback: boolean;
  readonly pointToPoint: boolean;
  /** Neighbours are asked for their hardware addresses. */
  readonly arp: boolean;
  readonly multicast: boolean;
  /** It was told to take all multicast packets, or all packets. */
  readonly allMulticast: boolean;
  readonly promiscuous: boolean;
  /** How many want all packets, bridges and captures among them. */
  readonly promiscuity: number;
  /** ARPHRD_* of linux/if_arp.h: 1 Ethernet, 772 loopback, 65534 none. */
  readonly hardwareType: number;
  /** "tun", "veth", "bridge"…; undefined for physical interfaces and loopback. */
  readonly kind?: string;
  readonly details?: LinkDetails;
  /** Index of the bridge or bond that it belongs to, and its kind. */
  readonly master?: number;
  readonly masterKind?: string;
  /** Index of the interface that it stands on (of a VLAN) or is tied to (of a veth). */
  readonly parent?: number;
  /** How this namespace calls the parent's, where they differ. */
  readonly parentNamespaceId?: number;
  readonly group: number;
  readonly txQueueLength: number;
  readonly txQueues: number;
  readonly rxQueues: number;
  /** Hardware address, "02:00:00:00:00:01"; undefined where there is none, as for a TUN device. */
  readonly mac?: string;
  readonly broadcastMac?: string;
  /** The one that was burned in, whatever `mac` was set to. */
  readonly permanentMac?: string;
  /** Undefined where IPv6 is switched off. */
  readonly ipv6LinkLocal?: LinkLocalMode;
  /** In an event: how this namespace calls the one that the interface moved to. */
  readonly movedToNamespaceId?: number;
  readonly statistics: LinkStatistics;
}

/** @throws DeviceError E_DEVICE_OPTION when no interface can bear the name */
export function checkLinkName(name: string): string {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes < 1 || bytes > NAME_MAX_BYTES || /[/\s\0:]/.test(name) || name === "." || name === "..") {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `interface name: expected 1 to ${NAME_MAX_BYTES} octets without space, "/" and ":", found "${name}"`,
    );
  }
  return name;
}

export function dumpLinks(): NetlinkMessage {
  return new NetlinkMessage(ifla.RTM_GETLINK, 0, ifla.ifinfo(0));
}

export function getLink(nameOrIndex: string | number): NetlinkMessage {
  if (typeof nameOrIndex === "number") return new NetlinkMessage(ifla.RTM_GETLINK, 0, ifla.ifinfo(nameOrIndex));
  const message = new NetlinkMessage(ifla.RTM_GETLINK, 0, ifla.ifinfo(0));
  return message.string(ifla.IFLA_IFNAME, checkLinkName(nameOrIndex));
}

export function deleteLinkRequest(index: number): NetlinkMessage {
  return new NetlinkMessage(ifla.RTM_DELLINK, 0, ifla.ifinfo(index));
}

/**
 * Undefined for what does not tell of the interface itself: a bridge speaks of its ports in messages of its own family,
 * also of one that leaves it, as if it were removed.
 */
export function parseLink({ payload }: ReceivedMessage): LinkInfo | undefined {
  if (payload.length < ifla.IFINFOMSG_BYTES || u8At(payload, 0) !== 0) return undefined;
  const attributes = parseAttributes(payload.subarray(ifla.IFINFOMSG_BYTES));
  const name = textOf(attributes, ifla.IFLA_IFNAME);
  if (name === undefined) return undefined;
  const statistics = attributes.get(ifla.IFLA_STATS64) ?? new Uint8Array(0);
  return {
    index: u32At(payload, 4),
    name,
    alternativeNames: alternativeNamesOf(attributes),
    mtuBytes: u32Of(attributes, ifla.IFLA_MTU) ?? 0,
    ...stateOf(u32At(payload, 8), attributes),
    promiscuity: u32Of(attributes, ifla.IFLA_PROMISCUITY) ?? 0,
    hardwareType: u16At(payload, 2),
    group: u32Of(attributes, ifla.IFLA_GROUP) ?? 0,
    txQueueLength: u32Of(attributes, ifla.IFLA_TXQLEN) ?? 0,
    txQueues: u32Of(attributes, ifla.IFLA_NUM_TX_QUEUES) ?? 0,
    rxQueues: u32Of(attributes, ifla.IFLA_NUM_RX_QUEUES) ?? 0,
    ...optionalOf(attributes),
    statistics: parseStatistics(statistics),
  };
}

function stateOf(flags: number, attributes: Attributes) {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return {
    up: has(ifla.IFF_UP),
    running: has(ifla.IFF_UP) && has(ifla.IFF_RUNNING),
    carrier: u8Of(attributes, ifla.IFLA_CARRIER) === 1,
    carrierChanges: u32Of(attributes, ifla.IFLA_CARRIER_CHANGES) ?? 0,
    operState: OPER_STATES[u8Of(attributes, ifla.IFLA_OPERSTATE) ?? 0] ?? "unknown",
    flags,
    loopback: has(ifla.IFF_LOOPBACK),
    pointToPoint: has(ifla.IFF_POINTOPOINT),
    arp: !has(ifla.IFF_NOARP),
    multicast: has(ifla.IFF_MULTICAST),
    allMulticast: has(ifla.IFF_ALLMULTI),
    promiscuous: has(ifla.IFF_PROMISC),
  };
}

function optionalOf(attributes: Attributes) {
  const octets = attributes.get(ifla.IFLA_LINKINFO);
  const info: Attributes = octets ? parseAttributes(octets) : new Map<number, Uint8Array>();
  // 0: no limit, no master, no interface below.
  const unlessZero = (value: number | undefined) => (value === 0 ? undefined : value);
  return defined({
    alias: textOf(attributes, ifla.IFLA_IFALIAS),
    minMtuBytes: unlessZero(u32Of(attributes, ifla.IFLA_MIN_MTU)),
    maxMtuBytes: unlessZero(u32Of(attributes, ifla.IFLA_MAX_MTU)),
    kind: kindOf(info),
    details: detailsOf(attributes, info),
    master: unlessZero(u32Of(attributes, ifla.IFLA_MASTER)),
    masterKind: textOf(info, ifla.IFLA_INFO_SLAVE_KIND),
    parent: unlessZero(u32Of(attributes, ifla.IFLA_LINK)),
    parentNamespaceId: i32Of(attributes, ifla.IFLA_LINK_NETNSID),
    mac: macOf(attributes, ifla.IFLA_ADDRESS),
    broadcastMac: macOf(attributes, ifla.IFLA_BROADCAST),
    permanentMac: macOf(attributes, ifla.IFLA_PERM_ADDRESS),
    ipv6LinkLocal: linkLocalOf(attributes),
    movedToNamespaceId: i32Of(attributes, ifla.IFLA_NEW_NETNSID),
  });
}

function alternativeNamesOf(attributes: Attributes): string[] {
  const list = parseAttributeList(attributes.get(ifla.IFLA_PROP_LIST) ?? new Uint8Array(0));
  return list.flatMap(({ type, value }) => (type === ifla.IFLA_ALT_IFNAME ? [fromCString(value)] : []));
}

function macOf(attributes: Attributes, type: number): string | undefined {
  const octets = attributes.get(type);
  return octets && octets.length > 0 ? formatMac(octets) : undefined;
}

/** IFLA_AF_SPEC holds an attribute per address family, and that one the attributes of the family. */
function linkLocalOf(attributes: Attributes): LinkLocalMode | undefined {
  const families = attributes.get(ifla.IFLA_AF_SPEC);
  const ipv6 = families && parseAttributes(families).get(systemFamily(6));
  const mode = ipv6 && u8Of(parseAttributes(ipv6), ifla.IFLA_INET6_ADDR_GEN_MODE);
  return mode === undefined ? undefined : LINK_LOCAL_MODES[mode];
}
