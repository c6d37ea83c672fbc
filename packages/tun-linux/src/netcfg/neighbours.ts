// Neighbours: which hardware address belongs to which address on a link, and for whom this machine answers as a proxy.
// Source: linux/neighbour.h, RFC 3549 section 3.3 (ndmsg).
import { DeviceError } from "@bunnel/device";
import { NetlinkMessage, parseAttributes, type ReceivedMessage } from "../netlink/index.ts";
import { parseAddress } from "./address-text.ts";
import { checkNumber, numberOfName, U8_MAX } from "./check.ts";
import { formatMac, parseMac } from "./mac-text.ts";
import { defined, familyOf, header, ipTextOf, systemFamily, u16At, u32At, u32Of, u8At, u8Of } from "./octets.ts";

export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;
const NDMSG_BYTES = 12;

const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_CACHEINFO = 3;
const NDA_PROBES = 4;
const NDA_IFINDEX = 8;
const NDA_PROTOCOL = 12;

const NTF_PROXY = 0x08;
const NTF_ROUTER = 0x80;
/** In struct nda_cacheinfo; hundredths of a second. */
const CACHEINFO_BYTES = 16;
const TICK_MS = 10;

/** What is known of a neighbour (RFC 4861 section 7.3.2); the numbers NUD_* are 1 << the place in this list. */
const STATES = ["incomplete", "reachable", "stale", "delay", "probe", "failed", "noarp", "permanent"] as const;
/**
 * What is known about a neighbour: incomplete, reachable, stale, delay, probe (RFC 4861 section 7.3.2), failed, noarp,
 * permanent.
 */
export type NeighbourState = (typeof STATES)[number];

/** An entry as it is. It can be given back as a NeighbourSpec. */
export interface NeighbourInfo {
  /** Index of the interface. */
  readonly index: number;
  readonly family: 4 | 6;
  readonly address: string;
  /** Its hardware address; undefined while it is not known. */
  readonly mac?: string;
  /** "none" for proxies and fresh entries. */
  readonly state: NeighbourState | "none";
  /** This machine answers in its place. */
  readonly proxy: boolean;
  /** IPv6: it is a router. */
  readonly router: boolean;
  /** NTF_* bits. */
  readonly flags: number;
  /** How often it was asked for its hardware address. */
  readonly probes?: number;
  /** Who made it, as for routes. */
  readonly protocol?: number;
  /** How long ago it was confirmed, used and changed. */
  readonly confirmedMs?: number;
  readonly usedMs?: number;
  readonly updatedMs?: number;
}

/** An entry to make. */
export interface NeighbourSpec {
  readonly address: string;
  readonly mac?: string;
  /** Default "permanent"; "noarp" is valid as it is but may be collected. */
  readonly state?: NeighbourState;
  readonly router?: boolean;
  /** Who made it, 0 to 255; only told back. */
  readonly protocol?: number;
}

/** Which entries are listed. Default: all but proxies. */
export interface NeighbourFilter {
  readonly index?: number;
  readonly family?: 4 | 6;
  readonly state?: NeighbourState;
  /** Those for whom this machine answers, instead of those that it knows. */
  readonly proxy?: boolean;
}

export function dumpNeighbours(family: 4 | 6, { index, proxy = false }: NeighbourFilter): NetlinkMessage {
  const fields = ndmsg({ family: systemFamily(family), flags: proxy ? NTF_PROXY : 0 });
  const message = new NetlinkMessage(RTM_GETNEIGH, 0, fields);
  return index === undefined ? message : message.u32(NDA_IFINDEX, index);
}

/** Older kernels filter less than they are asked to. */
export function isNeighbourOf(entry: NeighbourInfo, { index, state, proxy = false }: NeighbourFilter): boolean {
  if (entry.proxy !== proxy || (index !== undefined && entry.index !== index)) return false;
  return state === undefined || entry.state === state;
}

/**
 * @param flags what to do when the entry is, or is not, there (NLM_F_*)
 * @throws DeviceError E_DEVICE_OPTION for texts that cannot be read, and where a hardware address is missing
 */
export function addNeighbourRequest(flags: number, index: number, spec: NeighbourSpec): NetlinkMessage {
  const { address, mac, state = "permanent", router = false, protocol } = spec;
  const { family, octets } = parseAddress(address);
  const bits = 1 << numberOfName("neighbour state", STATES, state);
  if (mac === undefined && state === "permanent") {
    throw new DeviceError("E_DEVICE_OPTION", `neighbour ${address}: expected a hardware address, found none`);
  }
  const fields = ndmsg({ family: systemFamily(family), index, state: bits, flags: router ? NTF_ROUTER : 0 });
  const message = new NetlinkMessage(RTM_NEWNEIGH, flags, fields).attr(NDA_DST, octets);
  if (mac !== undefined) message.attr(NDA_LLADDR, parseMac(mac));
  if (protocol !== undefined) message.u8(NDA_PROTOCOL, checkNumber("neighbour protocol", protocol, U8_MAX));
  return message;
}

export function addProxyRequest(flags: number, index: number, address: string): NetlinkMessage {
  return proxyRequest(RTM_NEWNEIGH, flags, index, address, true);
}

export function removeNeighbourRequest(index: number, address: string, proxy: boolean): NetlinkMessage {
  return proxyRequest(RTM_DELNEIGH, 0, index, address, proxy);
}

/** Undefined for what is not IP: a bridge's table of hardware addresses comes in the same messages. */
export function parseNeighbour({ payload }: ReceivedMessage): NeighbourInfo | undefined {
  if (payload.length < NDMSG_BYTES) return undefined;
  const family = familyOf(u8At(payload, 0));
  const attributes = parseAttributes(payload.subarray(NDMSG_BYTES));
  const address = ipTextOf(attributes, NDA_DST);
  if (!family || address === undefined) return undefined;
  const mac = attributes.get(NDA_LLADDR);
  const state = u16At(payload, 8);
  const flags = u8At(payload, 10);
  return {
    index: u32At(payload, 4),
    family,
    address,
    ...defined({ mac: mac && mac.length > 0 ? formatMac(mac) : undefined }),
    state: STATES.find((_, place) => (state & (1 << place)) !== 0) ?? "none",
    proxy: (flags & NTF_PROXY) !== 0,
    router: (flags & NTF_ROUTER) !== 0,
    flags,
    ...defined({ probes: u32Of(attributes, NDA_PROBES), protocol: u8Of(attributes, NDA_PROTOCOL) }),
    ...timesOf(attributes.get(NDA_CACHEINFO)),
  };
}

function proxyRequest(type: number, flags: number, index: number, text: string, proxy: boolean): NetlinkMessage {
  const { family, octets } = parseAddress(text);
  const fields = ndmsg({ family: systemFamily(family), index, flags: proxy ? NTF_PROXY : 0 });
  return new NetlinkMessage(type, flags, fields).attr(NDA_DST, octets);
}

interface NeighbourHeader {
  readonly family: number;
  readonly index?: number;
  readonly state?: number;
  readonly flags?: number;
}

/** struct ndmsg: | family u8 | 0 u8 | 0 u16 | index i32 | state u16 | flags u8 | type u8 | */
function ndmsg({ family, index = 0, state = 0, flags = 0 }: NeighbourHeader): Uint8Array {
  return header([1, family], [1, 0], [2, 0], [4, index], [2, state], [1, flags], [1, 0]);
}

/** struct nda_cacheinfo: | confirmed u32 | used u32 | updated u32 | references u32 | */
function timesOf(octets: Uint8Array | undefined) {
  if (!octets || octets.length < CACHEINFO_BYTES) return {};
  return {
    confirmedMs: u32At(octets, 0) * TICK_MS,
    usedMs: u32At(octets, 4) * TICK_MS,
    updatedMs: u32At(octets, 8) * TICK_MS,
  };
}
