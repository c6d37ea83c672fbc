// The interfaces by which this machine reaches the world, and what lies on their links.
import { DeviceError, type InterceptionOptions } from "@bunnel/device";
import { parsePrefix, type IpPrefix } from "../netcfg/address-text.ts";
import type { RouteNetlink } from "../netcfg/route-netlink.ts";
import { TABLE_MAIN, type RouteInfo } from "../netcfg/routes.ts";

export interface Uplinks {
  readonly names: readonly string[];
  /** Prefixes that these interfaces reach without a router, as texts, each once. */
  readonly onLink: readonly string[];
  /** The IPv4 address that the first of them sends from, where it has one. */
  readonly source4?: string;
}

/**
 * The uplinks that the options name, or every interface with a default route in table main, of either family.
 * @throws DeviceError E_DEVICE_MISSING when there is none, or one that was named is not there
 */
export function findUplinks(netlink: RouteNetlink, options: InterceptionOptions): Uplinks {
  const routes = netlink.routes({ table: TABLE_MAIN }).filter(({ type }) => type === "unicast");
  const indices = options.uplinks
    ? options.uplinks.map((name) => indexOf(netlink, name))
    : defaultIndices(routes).filter((index) => index !== options.deviceIndex);
  const names = indices.flatMap((index) => netlink.link(index)?.name ?? []);
  if (names.length === 0) {
    throw new DeviceError("E_DEVICE_MISSING", "uplink: expected an interface with a default route, found none");
  }
  const onLink = routes.filter((route) => isOnLink(route, indices)).map(({ destination }) => destination);
  const source4 = source4Of(netlink, routes, indices[0]);
  return { names, onLink: [...new Set(onLink)], ...(source4 === undefined ? {} : { source4 }) };
}

/** The prefixes that stay direct: on the links, and those that the options exclude. */
export function excludedPrefixes(uplinks: Uplinks, options: InterceptionOptions): IpPrefix[] {
  const texts = new Set([...uplinks.onLink, ...(options.excludes ?? [])]);
  return [...texts].map((text) => maskedPrefix(parsePrefix(text)));
}

/** The prefix with nothing behind its length: "203.0.113.7/24" is meant as "203.0.113.0/24". */
export function maskedPrefix({ family, octets, prefixLength }: IpPrefix): IpPrefix {
  const masked = octets.map((octet, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
    return octet & (0xff00 >> bits);
  });
  return { family, octets: masked, prefixLength };
}

function indexOf(netlink: RouteNetlink, name: string): number {
  const link = netlink.link(name);
  if (link === undefined) throw new DeviceError("E_DEVICE_MISSING", `uplink "${name}": no such interface`);
  return link.index;
}

function defaultIndices(routes: readonly RouteInfo[]): number[] {
  const indices = routes
    .filter(({ destination }) => destination === "default")
    .flatMap(({ index, hops }) => [...(index === undefined ? [] : [index]), ...hops.map((hop) => hop.index)]);
  return [...new Set(indices)];
}

function isOnLink(route: RouteInfo, indices: readonly number[]): boolean {
  const { destination, gateway, index, hops } = route;
  if (destination === "default" || gateway !== undefined) return false;
  return hops.length === 0 && index !== undefined && indices.includes(index);
}

/** What the default route says, or else the interface's first global address. */
function source4Of(netlink: RouteNetlink, routes: readonly RouteInfo[], index: number | undefined): string | undefined {
  if (index === undefined) return undefined;
  const route = routes.find(
    (candidate) => candidate.family === 4 && candidate.destination === "default" && candidate.index === index,
  );
  if (route?.source !== undefined) return route.source;
  const address = netlink.addresses(index).find(({ family, scope }) => family === 4 && scope === 0);
  return address?.address.split("/")[0];
}
