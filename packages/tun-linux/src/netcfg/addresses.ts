// Addresses of interfaces. Source: linux/if_addr.h.
import { DeviceError } from "@bunnel/device";
import { NLM_F_CREATE, NLM_F_EXCL, NetlinkMessage, parseAttributes, type ReceivedMessage } from "../netlink/index.ts";
import { formatPrefix, parsePrefix } from "./address-text.ts";
import { familyOf, header, systemFamily, u32At, u32Of, u8At } from "./octets.ts";

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFADDRMSG_BYTES = 8;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;

/** Address flags: no duplicate address detection; detection under way; a duplicate was found. */
export const IFA_F_NODAD = 0x02;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_TENTATIVE = 0x40;

export interface AddressInfo {
  /** Index of the interface. */
  readonly index: number;
  readonly family: 4 | 6;
  /** With its prefix length: "192.0.2.1/24". */
  readonly address: string;
  /** The other end of a point-to-point address. */
  readonly peer?: string;
  /** 0 global, 253 link, 254 host (linux/rtnetlink.h RT_SCOPE_*). */
  readonly scope: number;
  /** IFA_F_* bits. */
  readonly flags: number;
}

export interface AddressOptions {
  /** IPv6: usable at once, without a look for a duplicate. */
  readonly noDad?: boolean;
  /** The other end of a point-to-point address; the prefix length then counts for it. */
  readonly peer?: string;
}

export function dumpAddresses(index: number): NetlinkMessage {
  return new NetlinkMessage(RTM_GETADDR, 0, ifaddr(0, 0, index));
}

export function addAddressRequest(index: number, address: string, options: AddressOptions): NetlinkMessage {
  const message = addressRequest(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address, options.peer);
  return options.noDad ? message.u32(IFA_FLAGS, IFA_F_NODAD) : message;
}

export function removeAddressRequest(index: number, address: string, peer: string | undefined): NetlinkMessage {
  return addressRequest(RTM_DELADDR, 0, index, address, peer);
}

export function parseAddressInfo({ payload }: ReceivedMessage): AddressInfo | undefined {
  if (payload.length < IFADDRMSG_BYTES) return undefined;
  const family = familyOf(u8At(payload, 0));
  const attributes = parseAttributes(payload.subarray(IFADDRMSG_BYTES));
  const address = attributes.get(IFA_ADDRESS);
  const local = attributes.get(IFA_LOCAL) ?? address;
  if (!family || !local) return undefined;
  const prefixLength = u8At(payload, 1);
  const peer = address && !sameOctets(address, local) ? address : undefined;
  return {
    index: u32At(payload, 4),
    family,
    address: formatPrefix(local, peer ? local.length * 8 : prefixLength),
    ...(peer ? { peer: formatPrefix(peer, prefixLength) } : {}),
    scope: u8At(payload, 3),
    flags: u32Of(attributes, IFA_FLAGS) ?? u8At(payload, 2),
  };
}

function addressRequest(
  type: number,
  flags: number,
  index: number,
  text: string,
  peerText: string | undefined,
): NetlinkMessage {
  const local = parsePrefix(text);
  // "192.0.2.1" with the peer "192.0.2.2/30" reads like the system's own tools: the peer's prefix length counts.
  const peer = peerText === undefined ? undefined : parsePrefix(peerText);
  if (peer && peer.family !== local.family) {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `peer "${peerText}": expected the family of "${text}", found IPv${peer.family}`,
    );
  }
  const prefixLength = peer ? peer.prefixLength : local.prefixLength;
  return new NetlinkMessage(type, flags, ifaddr(systemFamily(local.family), prefixLength, index))
    .attr(IFA_LOCAL, local.octets)
    .attr(IFA_ADDRESS, peer ? peer.octets : local.octets);
}

/** | family u8 | prefix length u8 | flags u8 | scope u8 | index u32 | */
function ifaddr(family: number, prefixLength: number, index: number): Uint8Array {
  return header([1, family], [1, prefixLength], [1, 0], [1, 0], [4, index]);
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}
