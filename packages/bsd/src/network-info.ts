// Interfaces, addresses and routes as the routing socket tells of them. Source: net/if.h, net/route.h.
import { broadcastOf, formatAddress, formatPrefix, prefixLengthOf } from "./ip-text.ts";
import * as rtm from "./route-message.ts";
import { readMask, readSocketAddress } from "./socket-address.ts";
import { IFF_LOOPBACK, IFF_POINTOPOINT, IFF_RUNNING, IFF_UP, type BsdSystem } from "./system.ts";

export interface BsdLink {
  readonly index: number;
  readonly name: string;
  readonly mtuBytes: number;
  readonly up: boolean;
  /** Up, and with somebody to send to. */
  readonly running: boolean;
  readonly loopback: boolean;
  readonly pointToPoint: boolean;
  /** IFF_* bits. */
  readonly flags: number;
  /** Undefined where there is none, as for a TUN device. */
  readonly mac?: string;
  readonly receivedPackets: number;
  readonly sentPackets: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export interface BsdAddress {
  readonly index: number;
  readonly family: 4 | 6;
  /** With its prefix length. */
  readonly address: string;
  /** The other end of a point-to-point interface. */
  readonly peer?: string;
  readonly broadcast?: string;
}

export interface BsdRoute {
  readonly family: 4 | 6;
  /** With its prefix length; "0.0.0.0/0" and "::/0" are the default routes. */
  readonly destination: string;
  /** Undefined: straight out of the interface. */
  readonly gateway?: string;
  readonly index: number;
  /** RTF_* bits. */
  readonly flags: number;
  /** Undefined: that of the interface. */
  readonly mtuBytes?: number;
}

/** "changed" also tells of new ones. */
export type BsdChange = "changed" | "removed";

export type BsdEvent =
  | { readonly type: "link"; readonly change: BsdChange; readonly index: number; readonly link?: BsdLink }
  | { readonly type: "address"; readonly change: BsdChange; readonly address: BsdAddress }
  | { readonly type: "route"; readonly change: BsdChange; readonly route: BsdRoute }
  /** More came than could be kept: look again at everything. */
  | { readonly type: "lost" };

const IFAN_DEPARTURE = 1;

/** What a message tells; undefined for those about other things. */
export function eventOf(system: BsdSystem, message: rtm.RawMessage): BsdEvent | undefined {
  const { type, octets } = message;
  if (type === system.link.type) {
    const link = readLink(system, octets);
    return link && { type: "link", change: "changed", index: link.index, link };
  }
  if (type === system.link.announce?.type) {
    const { indexAt, whatAt } = system.link.announce;
    const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
    const isGone = view.getUint16(whatAt, true) === IFAN_DEPARTURE;
    return { type: "link", change: isGone ? "removed" : "changed", index: view.getUint16(indexAt, true) };
  }
  switch (type) {
    case rtm.RTM_NEWADDR:
    case rtm.RTM_DELADDR: {
      const address = readAddress(system, octets);
      return address && { type: "address", change: type === rtm.RTM_DELADDR ? "removed" : "changed", address };
    }
    case rtm.RTM_ADD:
    case rtm.RTM_CHANGE:
    case rtm.RTM_DELETE: {
      const read = rtm.readRoute(system, message);
      const route = read && read.errno === 0 ? routeOf(system, read) : undefined;
      return route && { type: "route", change: type === rtm.RTM_DELETE ? "removed" : "changed", route };
    }
    default:
      return undefined;
  }
}

/** struct if_msghdr; a message without a name behind it (as events have it on some systems) has none here either. */
export function readLink(system: BsdSystem, octets: Uint8Array): BsdLink | undefined {
  const { link } = system;
  if (octets.length < link.bytes) return undefined;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const flags = view.getInt32(link.flagsAt, true);
  const addresses = rtm.addressesOf(system, octets, link.bytes, view.getInt32(link.addressesAt, true));
  const address = addresses.get(rtm.RTA_IFP);
  const named = address && readSocketAddress(system, address);
  const isLink = named?.kind === "link";
  return {
    index: view.getUint16(link.indexAt, true),
    name: isLink ? named.name : "",
    mtuBytes: view.getUint32(link.mtuAt, true),
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    pointToPoint: (flags & IFF_POINTOPOINT) !== 0,
    flags: flags >>> 0,
    ...(isLink && named.mac.length > 0 ? { mac: formatMac(named.mac) } : {}),
    receivedPackets: rtm.numberAt(octets, link.receivedPackets),
    sentPackets: rtm.numberAt(octets, link.sentPackets),
    receivedBytes: rtm.numberAt(octets, link.receivedBytes),
    sentBytes: rtm.numberAt(octets, link.sentBytes),
  };
}

/** struct ifa_msghdr; undefined for addresses that are not IP's. */
export function readAddress(system: BsdSystem, octets: Uint8Array): BsdAddress | undefined {
  const { address: layout } = system;
  if (octets.length < layout.bytes) return undefined;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const addresses = rtm.addressesOf(system, octets, layout.bytes, view.getInt32(layout.addressesAt, true));
  const own = ipOf(system, addresses.get(rtm.RTA_IFA));
  if (!own) return undefined;
  const mask = addresses.get(rtm.RTA_NETMASK);
  const prefixLength = mask ? prefixLengthOf(readMask(mask, own.length)) : own.length * 8;
  const other = ipOf(system, addresses.get(rtm.RTA_BRD));
  return {
    index: view.getUint16(layout.indexAt, true),
    family: own.length === 4 ? 4 : 6,
    address: formatPrefix(own, prefixLength),
    ...(other ? otherOf(own, other, prefixLength) : {}),
  };
}

/**
 * One place holds both: of a broadcast address all host bits are ones. An address that is its own other end has none.
 */
function otherOf(own: Uint8Array, other: Uint8Array, prefixLength: number): Pick<BsdAddress, "peer" | "broadcast"> {
  const text = formatAddress(other);
  if (text === formatAddress(own)) return {};
  const family = own.length === 4 ? 4 : 6;
  const highest = formatAddress(broadcastOf({ family, octets: own, prefixLength }));
  return family === 4 && prefixLength < 31 && text === highest ? { broadcast: text } : { peer: text };
}

/** Undefined for routes that are not IP's. */
export function routeOf(system: BsdSystem, message: rtm.ReadRoute): BsdRoute | undefined {
  const { addresses, flags, index, mtuBytes } = message;
  const destination = ipOf(system, addresses.get(rtm.RTA_DST));
  if (!destination) return undefined;
  const mask = addresses.get(rtm.RTA_NETMASK);
  const whole = destination.length * 8;
  const prefixLength = (flags & rtm.RTF_HOST) !== 0 ? whole : prefixLengthOf(maskOctets(mask, destination.length));
  const gateway = addresses.get(rtm.RTA_GATEWAY);
  const towards = gateway && readSocketAddress(system, gateway);
  return {
    family: destination.length === 4 ? 4 : 6,
    destination: formatPrefix(destination, prefixLength),
    ...(towards?.kind === "ip" && (flags & rtm.RTF_GATEWAY) !== 0 ? { gateway: formatAddress(towards.octets) } : {}),
    index: index === 0 && towards?.kind === "link" ? towards.index : index,
    flags: flags >>> 0,
    ...(mtuBytes > 0 ? { mtuBytes } : {}),
  };
}

function maskOctets(mask: Uint8Array | undefined, bytes: number): Uint8Array {
  return mask ? readMask(mask, bytes) : new Uint8Array(bytes);
}

function ipOf(system: BsdSystem, octets: Uint8Array | undefined): Uint8Array | undefined {
  const address = octets && readSocketAddress(system, octets);
  return address?.kind === "ip" ? address.octets : undefined;
}

export function formatMac(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}
