// What a link says of itself by its kind. Source: linux/if_link.h IFLA_TUN_*, IFLA_BR_*, IFLA_VLAN_*; linux/if_tun.h.
import { parseAttributes } from "../netlink/index.ts";
import * as ifla from "./link-attributes.ts";
import { be16Of, defined, i32Of, textOf, u16Of, u32Of, u8Of, type Attributes } from "./octets.ts";

const IFLA_TUN_OWNER = 1;
const IFLA_TUN_GROUP = 2;
const IFLA_TUN_TYPE = 3;
const IFLA_TUN_PI = 4;
const IFLA_TUN_VNET_HDR = 5;
const IFLA_TUN_PERSIST = 6;
const IFLA_TUN_MULTI_QUEUE = 7;
const IFLA_TUN_NUM_QUEUES = 8;
const IFLA_TUN_NUM_DISABLED_QUEUES = 9;
const IFF_TAP = 2;

export const IFLA_BR_FORWARD_DELAY = 1;
export const IFLA_BR_AGEING_TIME = 4;
export const IFLA_BR_STP_STATE = 5;
export const IFLA_BR_PRIORITY = 6;
export const IFLA_BR_VLAN_FILTERING = 7;
export const IFLA_BR_MCAST_SNOOPING = 23;
/** Bridges count time in hundredths of a second (USER_HZ). */
export const BRIDGE_TICK_MS = 10;

export const IFLA_VLAN_ID = 1;
export const IFLA_VLAN_PROTOCOL = 5;
/** linux/if_ether.h */
export const ETH_P_8021Q = 0x8100;
export const ETH_P_8021AD = 0x88a8;

/** What belongs to a TUN or TAP interface. */
export interface TunDetails {
  readonly kind: "tun";
  /** "tun": IP packets, "tap": Ethernet frames. */
  readonly mode: "tun" | "tap";
  /** User and group that may open it without CAP_NET_ADMIN. */
  readonly owner?: number;
  readonly group?: number;
  readonly packetInformation: boolean;
  readonly vnetHeader: boolean;
  /** It stays when the last descriptor is closed. */
  readonly persistent: boolean;
  readonly multiQueue: boolean;
  /** Queues that are open, and those of them that get no packets; known of multi-queue devices only. */
  readonly queues?: number;
  readonly disabledQueues?: number;
}

/** What belongs to one end of a pair. */
export interface VethDetails {
  readonly kind: "veth";
  /** Index of the other end, in its own namespace. */
  readonly peerIndex: number;
  /** How this namespace calls the other end's, where they differ. */
  readonly peerNamespaceId?: number;
}

/** What belongs to a bridge. */
export interface BridgeDetails {
  readonly kind: "bridge";
  readonly spanningTree: boolean;
  readonly vlanFiltering: boolean;
  readonly multicastSnooping: boolean;
  readonly forwardDelayMs: number;
  /** How long an address that was learned is kept. */
  readonly ageingMs: number;
  readonly priority: number;
}

/** What belongs to a VLAN on top of another interface. */
export interface VlanDetails {
  readonly kind: "vlan";
  readonly id: number;
  readonly protocol: VlanProtocol;
}

/** The tag of a VLAN: IEEE 802.1Q, or the outer one of 802.1ad. */
export type VlanProtocol = "802.1Q" | "802.1ad";
/** What belongs to an interface of a kind; `kind` says which. */
export type LinkDetails = TunDetails | VethDetails | BridgeDetails | VlanDetails;

/** "tun", "veth"…: undefined for physical interfaces and loopback. */
export function kindOf(info: Attributes): string | undefined {
  return textOf(info, ifla.IFLA_INFO_KIND);
}

/** Undefined for kinds that are not told apart here. */
export function detailsOf(link: Attributes, info: Attributes): LinkDetails | undefined {
  const octets = info.get(ifla.IFLA_INFO_DATA);
  const data: Attributes = octets ? parseAttributes(octets) : new Map<number, Uint8Array>();
  const kind = kindOf(info);
  if (kind === "veth") return vethOf(link);
  if (!octets) return undefined;
  if (kind === "tun") return tunOf(data);
  if (kind === "bridge") return bridgeOf(data);
  return kind === "vlan" ? vlanOf(data) : undefined;
}

function tunOf(data: Attributes): TunDetails {
  const flag = (type: number): boolean => (u8Of(data, type) ?? 0) !== 0;
  return {
    kind: "tun",
    mode: u8Of(data, IFLA_TUN_TYPE) === IFF_TAP ? "tap" : "tun",
    ...defined({ owner: u32Of(data, IFLA_TUN_OWNER), group: u32Of(data, IFLA_TUN_GROUP) }),
    packetInformation: flag(IFLA_TUN_PI),
    vnetHeader: flag(IFLA_TUN_VNET_HDR),
    persistent: flag(IFLA_TUN_PERSIST),
    multiQueue: flag(IFLA_TUN_MULTI_QUEUE),
    ...defined({
      queues: u32Of(data, IFLA_TUN_NUM_QUEUES),
      disabledQueues: u32Of(data, IFLA_TUN_NUM_DISABLED_QUEUES),
    }),
  };
}

function vethOf(link: Attributes): VethDetails | undefined {
  const peerIndex = u32Of(link, ifla.IFLA_LINK);
  if (peerIndex === undefined) return undefined;
  return { kind: "veth", peerIndex, ...defined({ peerNamespaceId: i32Of(link, ifla.IFLA_LINK_NETNSID) }) };
}

function bridgeOf(data: Attributes): BridgeDetails {
  return {
    kind: "bridge",
    spanningTree: (u32Of(data, IFLA_BR_STP_STATE) ?? 0) !== 0,
    vlanFiltering: (u8Of(data, IFLA_BR_VLAN_FILTERING) ?? 0) !== 0,
    multicastSnooping: (u8Of(data, IFLA_BR_MCAST_SNOOPING) ?? 0) !== 0,
    forwardDelayMs: (u32Of(data, IFLA_BR_FORWARD_DELAY) ?? 0) * BRIDGE_TICK_MS,
    ageingMs: (u32Of(data, IFLA_BR_AGEING_TIME) ?? 0) * BRIDGE_TICK_MS,
    priority: u16Of(data, IFLA_BR_PRIORITY) ?? 0,
  };
}

function vlanOf(data: Attributes): VlanDetails {
  const protocol = be16Of(data, IFLA_VLAN_PROTOCOL) === ETH_P_8021AD ? "802.1ad" : "802.1Q";
  return { kind: "vlan", id: u16Of(data, IFLA_VLAN_ID) ?? 0, protocol };
}
