// Addresses of interfaces. Source: linux/if_addr.h.
import { DeviceError } from "@bunnel/device";
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../netlink/index.ts";
import { NetlinkMessage, parseAttributes, type ReceivedMessage } from "../netlink/index.ts";
import { addressFlagBits, addressFlagNames, type AddressFlag, type AddressFlags } from "./address-flags.ts";
import { formatAddress, formatPrefix, parseAddress, parsePrefix, type IpPrefix } from "./address-text.ts";
import { checkNumber, U32_MAX, U8_MAX } from "./check.ts";
import { checkLinkName } from "./links.ts";
import {
  defined,
  familyOf,
  header,
  ipOf,
  systemFamily,
  textOf,
  u32At,
  u32Of,
  u8At,
  u8Of,
  type Attributes,
} from "./octets.ts";
import { scopeNumber, type Scope } from "./scopes.ts";

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFADDRMSG_BYTES = 8;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_RT_PRIORITY = 9;
const IFA_PROTO = 11;
const CACHEINFO_BYTES = 16;
/** In a lifetime: for ever. */
const FOREVER = U32_MAX;
/** A longer prefix leaves no room for a broadcast address (RFC 3021 section 2.2). */
const BROADCAST_PREFIX_MAX = 30;
/** Time stamps of addresses count hundredths of a second since the system started. */
const STAMP_MS = 10;

/** An address as it is. */
export interface AddressInfo {
  /** Index of the interface. */
  readonly index: number;
  readonly family: 4 | 6;
  /** With its prefix length: "192.0.2.1/24". */
  readonly address: string;
  /** The other end of a point-to-point address. */
  readonly peer?: string;
  /** IPv4 */
  readonly broadcast?: string;
  /** IPv4: the interface's name, or "<name>:<something>". */
  readonly label?: string;
  /** 0 global, 253 link, 254 host (linux/rtnetlink.h RT_SCOPE_*). */
  readonly scope: number;
  /** IFA_F_* bits, and what they are called. */
  readonly flags: number;
  readonly flagNames: readonly AddressFlag[];
  /** How long it may be used, and used for new connections; undefined: for ever. */
  readonly validSeconds?: number;
  readonly preferredSeconds?: number;
  /** Metric of the route to its network, where it has one of its own. */
  readonly metric?: number;
  /** Who gave it: 1 the kernel for loopback, 2 router advertisements, 3 the kernel for link-local (IFAPROT_*). */
  readonly protocol?: number;
  /** When it came and last changed, in milliseconds since the system started. */
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface AddressOptions extends AddressFlags {
  /** The other end of a point-to-point address; the prefix length then counts for it. */
  readonly peer?: string;
  /** IPv4: "auto" is the highest address of the network. Default: none. */
  readonly broadcast?: string;
  /** IPv4: the interface's name, or "<name>:<something>", at most 15 octets. */
  readonly label?: string;
  /** IPv4; an IPv6 address has its scope in itself. Default "global". */
  readonly scope?: Scope;
  /** Seconds until it goes. Default: it stays. */
  readonly validSeconds?: number;
  /** Seconds until new connections no longer use it, at most `validSeconds`. Default: as long as it is valid. */
  readonly preferredSeconds?: number;
  /** Metric of the route to its network. */
  readonly metric?: number;
  /** Who gave it, 0 to 255; only told back. Linux 5.18. */
  readonly protocol?: number;
}

export function dumpAddresses(index: number): NetlinkMessage {
  return new NetlinkMessage(RTM_GETADDR, 0, ifaddr(0, 0, index));
}

/** @param existing "refuse" an address that is there, or "change" it */
export function addAddressRequest(
  index: number,
  address: string,
  options: AddressOptions,
  existing: "refuse" | "change" = "refuse",
): NetlinkMessage {
  const flags = NLM_F_CREATE | (existing === "refuse" ? NLM_F_EXCL : NLM_F_REPLACE);
  const local = parsePrefix(address);
  const message = addressRequest(RTM_NEWADDR, flags, index, address, options);
  if (options.broadcast !== undefined) message.attr(IFA_BROADCAST, broadcastOf(local, options));
  if (options.label !== undefined) message.string(IFA_LABEL, checkLabel(options.label));
  const bits = addressFlagBits(options);
  if (bits !== 0) message.u32(IFA_FLAGS, bits);
  const lifetimes = lifetimesOf(options);
  if (lifetimes) message.attr(IFA_CACHEINFO, lifetimes);
  if (options.metric !== undefined)
    message.u32(IFA_RT_PRIORITY, checkNumber("address metric", options.metric, U32_MAX));
  if (options.protocol !== undefined) {
    message.u8(IFA_PROTO, checkNumber("address protocol", options.protocol, U8_MAX));
  }
  return message;
}

export function removeAddressRequest(index: number, address: string, peer: string | undefined): NetlinkMessage {
  return addressRequest(RTM_DELADDR, 0, index, address, peer === undefined ? {} : { peer });
}

export function parseAddressInfo({ payload }: ReceivedMessage): AddressInfo | undefined {
  if (payload.length < IFADDRMSG_BYTES) return undefined;
  const family = familyOf(u8At(payload, 0));
  const attributes = parseAttributes(payload.subarray(IFADDRMSG_BYTES));
  const address = ipOf(attributes, IFA_ADDRESS);
  const local = ipOf(attributes, IFA_LOCAL) ?? address;
  if (!family || !local) return undefined;
  const prefixLength = u8At(payload, 1);
  const peer = address && !sameOctets(address, local) ? address : undefined;
  const broadcast = ipOf(attributes, IFA_BROADCAST);
  const flags = u32Of(attributes, IFA_FLAGS) ?? u8At(payload, 2);
  return {
    index: u32At(payload, 4),
    family,
    address: formatPrefix(local, peer ? local.length * 8 : prefixLength),
    ...defined({
      peer: peer && formatPrefix(peer, prefixLength),
      broadcast: broadcast && formatAddress(broadcast),
      label: textOf(attributes, IFA_LABEL),
    }),
    scope: u8At(payload, 3),
    flags,
    flagNames: addressFlagNames(flags),
    ...defined({ metric: u32Of(attributes, IFA_RT_PRIORITY), protocol: u8Of(attributes, IFA_PROTO) }),
    ...timesOf(attributes),
  };
}

function addressRequest(
  type: number,
  flags: number,
  index: number,
  text: string,
  options: Pick<AddressOptions, "peer" | "scope">,
): NetlinkMessage {
  const local = parsePrefix(text);
  // "192.0.2.1" with the peer "192.0.2.2/30" reads like the system's own tools: the peer's prefix length counts.
  const peer = options.peer === undefined ? undefined : parsePrefix(options.peer);
  if (peer && peer.family !== local.family) {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `peer "${options.peer}": expected the family of "${text}", found IPv${peer.family}`,
    );
  }
  const prefixLength = peer ? peer.prefixLength : local.prefixLength;
  const scope = options.scope === undefined ? 0 : scopeNumber(options.scope);
  return new NetlinkMessage(type, flags, ifaddr(systemFamily(local.family), prefixLength, index, scope))
    .attr(IFA_LOCAL, local.octets)
    .attr(IFA_ADDRESS, peer ? peer.octets : local.octets);
}

/** | family u8 | prefix length u8 | flags u8 | scope u8 | index u32 | */
function ifaddr(family: number, prefixLength: number, index: number, scope = 0): Uint8Array {
  return header([1, family], [1, prefixLength], [1, 0], [1, scope], [4, index]);
}

function broadcastOf({ family, octets, prefixLength }: IpPrefix, { broadcast, peer }: AddressOptions): Uint8Array {
  const given = broadcast === "auto" || broadcast === undefined ? undefined : parseAddress(broadcast);
  if (family !== 4 || (given && given.family !== 4)) {
    throw new DeviceError("E_DEVICE_OPTION", `broadcast "${broadcast}": expected IPv4 for an IPv4 address`);
  }
  if (given) return given.octets;
  const length = peer === undefined ? prefixLength : parsePrefix(peer).prefixLength;
  if (length > BROADCAST_PREFIX_MAX) {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `broadcast "auto": expected a prefix length of at most ${BROADCAST_PREFIX_MAX}, found ${length}`,
    );
  }
  return octets.map((octet, i) => octet | (0xff >> Math.min(8, Math.max(0, length - i * 8))));
}

/** An IPv4 label is told apart from names by its colon. */
function checkLabel(label: string): string {
  checkLinkName(label.replace(":", "_"));
  return label;
}

/** struct ifa_cacheinfo: | preferred u32 | valid u32 | created u32 | updated u32 | */
function lifetimesOf({ validSeconds, preferredSeconds }: AddressOptions): Uint8Array | undefined {
  if (validSeconds === undefined && preferredSeconds === undefined) return undefined;
  const valid = validSeconds === undefined ? FOREVER : checkNumber("validSeconds", validSeconds, FOREVER - 1, 1);
  const preferred = preferredSeconds ?? valid;
  if (preferred !== FOREVER) checkNumber("preferredSeconds", preferred, valid);
  return header([4, preferred], [4, valid], [4, 0], [4, 0]);
}

function timesOf(attributes: Attributes) {
  const octets = attributes.get(IFA_CACHEINFO);
  if (!octets || octets.length < CACHEINFO_BYTES) return { createdMs: 0, updatedMs: 0 };
  const finite = (seconds: number) => (seconds === FOREVER ? undefined : seconds);
  return {
    ...defined({ preferredSeconds: finite(u32At(octets, 0)), validSeconds: finite(u32At(octets, 4)) }),
    createdMs: u32At(octets, 8) * STAMP_MS,
    updatedMs: u32At(octets, 12) * STAMP_MS,
  };
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}
