// Network interfaces as netlink tells and changes them. Source: linux/if_link.h, linux/rtnetlink.h, linux/veth.h.
import { fromCString } from "@bunnel/ffi";
import { DeviceError } from "@bunnel/device";
import { NLM_F_CREATE, NLM_F_EXCL, NetlinkMessage, parseAttributes, type ReceivedMessage } from "../netlink/index.ts";
import { header, i32Of, systemFamily, u32At, u32Of, u64At, type Attributes } from "./octets.ts";

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const IFINFOMSG_BYTES = 16;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_TXQLEN = 13;
const IFLA_LINKINFO = 18;
const IFLA_STATS64 = 23;
const IFLA_AF_SPEC = 26;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const ADDR_GEN_MODE_EUI64 = 0;
const ADDR_GEN_MODE_NONE = 1;
const STATS64_BYTES = 64;

/** Interface flags (linux/if.h). */
export const IFF_UP = 0x1;
export const IFF_RUNNING = 0x40;
/** An interface name has room for 15 octets and a NUL. */
export const NAME_MAX_BYTES = 15;

/** Packets and octets since the interface came to be; "received" is what the system got from it. */
export interface LinkStatistics {
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  readonly receiveErrors: number;
  readonly receiveDropped: number;
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly sendErrors: number;
  readonly sendDropped: number;
}

export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  readonly mtuBytes: number;
  readonly up: boolean;
  /** Up, and with a carrier. */
  readonly running: boolean;
  /** IFF_* bits. */
  readonly flags: number;
  /** "tun", "veth", "dummy"…; undefined for physical interfaces and loopback. */
  readonly kind?: string;
  /** Index of the bridge or bond that it belongs to. */
  readonly master?: number;
  readonly txQueueLength: number;
  /** Hardware address, "02:00:00:00:00:01"; undefined where there is none, as for a TUN device. */
  readonly mac?: string;
  readonly statistics: LinkStatistics;
}

export interface LinkChange {
  readonly up?: boolean;
  readonly mtuBytes?: number;
  /** Only while the interface is down. */
  readonly name?: string;
  readonly txQueueLength?: number;
  /** "none": the kernel gives the interface no IPv6 link-local address by itself. */
  readonly ipv6LinkLocal?: "none" | "system";
  /** Descriptor of the network namespace that the interface moves to; it is done last. */
  readonly namespaceFd?: number;
}

export interface VethOptions {
  readonly peerNamespaceFd?: number;
  readonly mtuBytes?: number;
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
  return new NetlinkMessage(RTM_GETLINK, 0, ifinfo(0));
}

export function getLink(nameOrIndex: string | number): NetlinkMessage {
  if (typeof nameOrIndex === "number") return new NetlinkMessage(RTM_GETLINK, 0, ifinfo(nameOrIndex));
  return new NetlinkMessage(RTM_GETLINK, 0, ifinfo(0)).string(IFLA_IFNAME, checkLinkName(nameOrIndex));
}

/**
 * The requests of a change, in an order that the kernel accepts: down comes before all else (a name changes only while
 * down), up behind the rest (the link-local address is made on the way up), the move to another namespace last.
 */
export function setLinkRequests(index: number, change: LinkChange): NetlinkMessage[] {
  const requests: NetlinkMessage[] = [];
  const set = () => new NetlinkMessage(RTM_NEWLINK, 0, ifinfo(index));
  if (change.up === false) requests.push(new NetlinkMessage(RTM_NEWLINK, 0, ifinfo(index, 0, IFF_UP)));
  if (change.name !== undefined) requests.push(set().string(IFLA_IFNAME, checkLinkName(change.name)));
  if (change.mtuBytes !== undefined) requests.push(set().u32(IFLA_MTU, change.mtuBytes));
  if (change.txQueueLength !== undefined) requests.push(set().u32(IFLA_TXQLEN, change.txQueueLength));
  if (change.ipv6LinkLocal !== undefined) {
    const mode = change.ipv6LinkLocal === "none" ? ADDR_GEN_MODE_NONE : ADDR_GEN_MODE_EUI64;
    const ofIpv6 = (inner: NetlinkMessage) => void inner.u8(IFLA_INET6_ADDR_GEN_MODE, mode);
    requests.push(set().nested(IFLA_AF_SPEC, (spec) => void spec.nested(systemFamily(6), ofIpv6)));
  }
  if (change.up === true) requests.push(new NetlinkMessage(RTM_NEWLINK, 0, ifinfo(index, IFF_UP, IFF_UP)));
  if (change.namespaceFd !== undefined) requests.push(set().u32(IFLA_NET_NS_FD, change.namespaceFd));
  return requests;
}

export function addVethRequest(name: string, peerName: string, options: VethOptions): NetlinkMessage {
  const { mtuBytes, peerNamespaceFd } = options;
  const message = new NetlinkMessage(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfo(0));
  message.string(IFLA_IFNAME, checkLinkName(name));
  if (mtuBytes !== undefined) message.u32(IFLA_MTU, mtuBytes);
  const peer = (inner: NetlinkMessage) => {
    inner.string(IFLA_IFNAME, checkLinkName(peerName));
    if (mtuBytes !== undefined) inner.u32(IFLA_MTU, mtuBytes);
    if (peerNamespaceFd !== undefined) inner.u32(IFLA_NET_NS_FD, peerNamespaceFd);
  };
  return message.nested(IFLA_LINKINFO, (info) => {
    info.string(IFLA_INFO_KIND, "veth");
    info.nested(IFLA_INFO_DATA, (data) => void data.nested(VETH_INFO_PEER, peer, ifinfo(0)));
  });
}

export function addDummyRequest(name: string): NetlinkMessage {
  return new NetlinkMessage(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfo(0))
    .string(IFLA_IFNAME, checkLinkName(name))
    .nested(IFLA_LINKINFO, (info) => void info.string(IFLA_INFO_KIND, "dummy"));
}

export function deleteLinkRequest(index: number): NetlinkMessage {
  return new NetlinkMessage(RTM_DELLINK, 0, ifinfo(index));
}

/** Undefined for messages that carry no name: updates of a bridge's port, for one. */
export function parseLink({ payload }: ReceivedMessage): LinkInfo | undefined {
  if (payload.length < IFINFOMSG_BYTES) return undefined;
  const attributes = parseAttributes(payload.subarray(IFINFOMSG_BYTES));
  const name = attributes.get(IFLA_IFNAME);
  if (!name) return undefined;
  const flags = u32At(payload, 8);
  const kind = kindOf(attributes);
  const mac = macOf(attributes);
  const master = i32Of(attributes, IFLA_MASTER);
  return {
    index: u32At(payload, 4),
    name: fromCString(name),
    mtuBytes: u32Of(attributes, IFLA_MTU) ?? 0,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
    flags,
    ...(kind === undefined ? {} : { kind }),
    ...(master === undefined ? {} : { master }),
    txQueueLength: u32Of(attributes, IFLA_TXQLEN) ?? 0,
    ...(mac === undefined ? {} : { mac }),
    statistics: statisticsOf(attributes),
  };
}

/** | family u8 | 0 u8 | hardware type u16 | index i32 | flags u32 | mask of the flags that change u32 | */
function ifinfo(index: number, flags = 0, change = 0): Uint8Array {
  return header([1, 0], [1, 0], [2, 0], [4, index], [4, flags], [4, change]);
}

function kindOf(attributes: Attributes): string | undefined {
  const info = attributes.get(IFLA_LINKINFO);
  const kind = info && parseAttributes(info).get(IFLA_INFO_KIND);
  return kind && fromCString(kind);
}

function macOf(attributes: Attributes): string | undefined {
  const mac = attributes.get(IFLA_ADDRESS);
  return mac?.length === 6 ? Array.from(mac, (octet) => octet.toString(16).padStart(2, "0")).join(":") : undefined;
}

/** struct rtnl_link_stats64: eight counters first, u64 each. */
function statisticsOf(attributes: Attributes): LinkStatistics {
  const found = attributes.get(IFLA_STATS64);
  const octets = found && found.length >= STATS64_BYTES ? found : new Uint8Array(STATS64_BYTES);
  return {
    receivedPackets: u64At(octets, 0),
    sentPackets: u64At(octets, 8),
    receivedBytes: u64At(octets, 16),
    sentBytes: u64At(octets, 24),
    receiveErrors: u64At(octets, 32),
    sendErrors: u64At(octets, 40),
    receiveDropped: u64At(octets, 48),
    sendDropped: u64At(octets, 56),
  };
}
