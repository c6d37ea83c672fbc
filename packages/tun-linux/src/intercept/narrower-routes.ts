// Rules mode, IPv6: what has a route in table main that is narrower than a default route is thrown back by our table,
// and goes on to the rules behind it. IPv4 asks table main itself, by a rule that passes over its default routes; IPv6
// must not: what the system has learnt of the path to one address (RFC 8201 section 4) stands in its tables as a route
// of 128 bits for ten minutes, and would be taken for a narrower one, so that nothing to that address came up any more.
//
// A destination that is thrown back without need is no harm: rule 9001 looks for it in table main again.
import { parsePrefix, formatPrefix, type IpPrefix } from "../netcfg/address-text.ts";
import type { RouteNetlink } from "../netcfg/route-netlink.ts";
import { TABLE_MAIN, type RouteInfo, type RouteSpec } from "../netcfg/routes.ts";
import { ifThere } from "./if-there.ts";
import { OUR_PROTOCOL, ROUTE_TABLE } from "./marks.ts";
import { maskedPrefix } from "./uplinks.ts";

/**
 * Destinations that are thrown back one by one. A table with more is that of a router of the Internet: everything is
 * thrown back then, and what the system has learnt of a path does pass for a narrower route.
 */
export const NARROWER_MAX = 4096;

const EVERYTHING = ["::/1", "8000::/1"].map((destination) => ({ destination }));

/** The routes of our table that throw back. */
export class NarrowerRoutes {
  constructor(readonly netlink: RouteNetlink) {}

  /** Brings them to date with table main. True: something was changed. */
  follow(): boolean {
    const present = new Map(this.#present().map((route) => [keyOf(route), route]));
    const wanted = new Map(
      narrowerDestinations(this.netlink.routes({ family: 6, table: TABLE_MAIN })).map((to) => [keyOf(to), to]),
    );
    const missing = [...wanted].filter(([key]) => !present.has(key));
    const stale = [...present].filter(([key]) => !wanted.has(key));
    // A wider one comes before those go that it stands for.
    for (const [, to] of missing) this.netlink.replaceRoute(throwRoute(to));
    for (const [, to] of stale) ifThere(() => this.netlink.removeRoute(throwRoute(to, to.protocol)));
    return missing.length + stale.length > 0;
  }

  /** Removes them; says how many there were. */
  clear(): number {
    return this.#present().filter((to) => ifThere(() => this.netlink.removeRoute(throwRoute(to, to.protocol)))).length;
  }

  #present(): RouteInfo[] {
    return this.netlink.routes({ family: 6, table: ROUTE_TABLE, type: "throw" });
  }
}

/** Which packets a route is for. */
type Destination = Pick<RouteInfo, "destination" | "from">;

/** What the narrower ones of these routes lead to, without what lies within another of them. */
export function narrowerDestinations(routes: readonly RouteInfo[]): readonly Destination[] {
  const prefixes = routes
    .filter(({ destination, type }) => destination !== "default" && type !== "throw")
    .map(({ destination, from }) => ({ prefix: parsePrefix(destination), from }))
    .toSorted((one, other) => one.prefix.prefixLength - other.prefix.prefixLength);
  const kept = new Map<string, Destination>();
  const lengths = new Set<number>();
  for (const { prefix, from } of prefixes) {
    const covers = [...lengths].some((prefixLength) => kept.has(textOf({ ...prefix, prefixLength })));
    if (covers) continue;
    const destination = textOf(prefix);
    const route = { destination, ...(from === undefined ? {} : { from }) };
    kept.set(keyOf(route), route);
    // Only a route for packets from everywhere stands for those within it.
    if (from === undefined) lengths.add(prefix.prefixLength);
  }
  return kept.size > NARROWER_MAX ? EVERYTHING : [...kept.values()];
}

function textOf(prefix: IpPrefix): string {
  const { octets, prefixLength } = maskedPrefix(prefix);
  return formatPrefix(octets, prefixLength);
}

function keyOf({ destination, from }: Destination): string {
  return from === undefined ? destination : `${destination} from ${from}`;
}

function throwRoute({ destination, from }: Destination, protocol = OUR_PROTOCOL): RouteSpec {
  const route = { family: 6, destination, table: ROUTE_TABLE, type: "throw", protocol } as const;
  return { ...route, ...(from === undefined ? {} : { from }) };
}
