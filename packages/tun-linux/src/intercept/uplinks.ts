// The interfaces by which this machine reaches the world, and what lies on their links.
import { DeviceError, type InterceptionOptions } from "@bunnel/device";
import { parsePrefix, type IpPrefix } from "../netcfg/address-text.ts";
import type { LinkInfo } from "../netcfg/links.ts";
import type { RouteNetlink } from "../netcfg/route-netlink.ts";
import { TABLE_MAIN, type RouteInfo } from "../netcfg/routes.ts";
import { hopIndices } from "./policy.ts";
import { sourcesOf, type Sources } from "./sources.ts";

export interface Uplinks {
  readonly names: readonly string[];
  /** Prefixes that these interfaces reach without a router, as texts, each once. */
  readonly onLink: readonly string[];
  /** The addresses that packets leave from by the first of them. */
  readonly sources: Sources;
}

/** Interfaces that carry packets of other programs' tunnels, as the system calls their kinds. */
const TUNNEL_KINDS: readonly string[] = ["tun", "wireguard", "amneziawg", "ovpn", "xfrm", "vti", "vti6"];

/** Whether an interface is the tunnel of another program, which looks after its packets itself. */
export function isTunnel({ kind }: LinkInfo): boolean {
  return kind !== undefined && TUNNEL_KINDS.includes(kind);
}

/**
 * The uplinks that the options name, or every interface with a default route in table main, of either family, but for
 * tunnels of other programs.
 * @throws DeviceError E_DEVICE_MISSING when there is none, or one that was named is not there
 */
export function findUplinks(netlink: RouteNetlink, options: InterceptionOptions): Uplinks {
  const routes = netlink.routes({ table: TABLE_MAIN }).filter(({ type }) => type === "unicast");
  const defaults = routes.filter(
    (route) => route.destination === "default" && !hopIndices(route).includes(options.deviceIndex),
  );
  const named = options.uplinks?.map((name) => indexOf(netlink, name));
  const links = (named ?? [...new Set(defaults.flatMap(hopIndices))]).flatMap((index) => netlink.link(index) ?? []);
  const used = named === undefined ? links.filter((link) => !isTunnel(link)) : links;
  if (used.length === 0) throw missing(links.map(({ name }) => name));
  const names = used.map(({ name }) => name);
  const indices = used.map(({ index }) => index);
  const onLink = routes.filter((route) => isOnLink(route, indices)).map(({ destination }) => destination);
  const ways = defaults.filter((route) => hopIndices(route).some((index) => indices.includes(index)));
  return { names, onLink: [...new Set(onLink)], sources: sourcesOf(netlink, ways, options.deviceIndex) };
}

function missing(tunnels: readonly string[]): DeviceError {
  const found =
    tunnels.length === 0 ? "none" : `tunnels alone (${tunnels.join(", ")}), which are used when they are named`;
  return new DeviceError("E_DEVICE_MISSING", `uplink: expected an interface with a default route, found ${found}`);
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

function isOnLink(route: RouteInfo, indices: readonly number[]): boolean {
  const { destination, gateway, index, hops } = route;
  if (destination === "default" || gateway !== undefined) return false;
  return hops.length === 0 && index !== undefined && indices.includes(index);
}
