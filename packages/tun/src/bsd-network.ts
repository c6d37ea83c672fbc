// The network of macOS and the BSDs in the words of this package: what the system does not have says so by name.
import type { BsdAddress, BsdEvent, BsdEvents, BsdLink, BsdNetwork, BsdRoute, BsdRouteSpec } from "@bunnel/bsd";
import { DeviceError } from "@bunnel/device";
import type {
  AddressInfo,
  AddressOptions,
  LinkChange,
  LinkInfo,
  NetworkEventOf,
  NetworkTopic,
  RouteAnswer,
  RouteFilter,
  RouteInfo,
  RouteQuery,
  RouteSpec,
  WatchOptions,
} from "@bunnel/tun-linux";

import type { DriverEvents, DriverNetwork } from "./driver.ts";
import { NO_STATISTICS } from "./no-statistics.ts";

/** linux/rtnetlink.h RT_TABLE_MAIN: the one table that there is. */
const TABLE_MAIN = 254;
/** net/route.h */
const RTF_REJECT = 0x8;
const RTF_BLACKHOLE = 0x1000;
/** net/if.h */
const IFF_NOARP = 0x80;
const IFF_PROMISC = 0x100;
const IFF_ALLMULTI = 0x200;
const IFF_MULTICAST = 0x8000;
/** linux/if_arp.h: how kinds of links are called here. */
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const ARPHRD_NONE = 65534;

const LINK_CHANGES: ReadonlySet<string> = new Set(["up", "mtuBytes", "name", "mac"]);
const ADDRESS_OPTIONS: ReadonlySet<string> = new Set(["peer", "broadcast", "noDad", "noPrefixRoute"]);
const ROUTE_WORDS: ReadonlySet<string> = new Set([
  ...["destination", "family", "gateway", "index", "table", "metric", "type", "metrics", "hops"],
  // Of a route that was listed here, and says nothing.
  ...["protocol", "scope", "flags"],
]);

export class BsdNetworkAdapter implements DriverNetwork {
  constructor(
    private readonly network: BsdNetwork,
    private readonly platform: string,
  ) {}

  links(): LinkInfo[] {
    return this.network.links().map(linkInfo);
  }

  link(nameOrIndex: string | number): LinkInfo | undefined {
    const link = this.network.link(nameOrIndex);
    return link && linkInfo(link);
  }

  setLink(index: number, change: LinkChange): void {
    this.#mustKnow("changing", change, LINK_CHANGES);
    this.network.setLink(this.#named(index).name, change);
  }

  addresses(index = 0): AddressInfo[] {
    return this.network.addresses(index).map(addressInfo);
  }

  /** No search for duplicates is made. */
  addAddress(index: number, address: string, options: AddressOptions = {}): void {
    this.#mustKnow("addresses with", options, ADDRESS_OPTIONS);
    const { peer, broadcast, noPrefixRoute } = options;
    this.network.addAddress(this.#named(index), address, {
      ...(peer === undefined ? {} : { peer }),
      ...(broadcast === undefined ? {} : { broadcast }),
      connectedRoute: noPrefixRoute !== true,
    });
  }

  replaceAddress(index: number, address: string, options?: AddressOptions): void {
    const isThere = this.addresses(index).some((each) => each.address === address);
    if (isThere) this.removeAddress(index, address);
    this.addAddress(index, address, options);
  }

  removeAddress(index: number, address: string): void {
    const whole = address.includes("/") ? address : this.#wholeAddress(index, address);
    this.network.removeAddress(this.#named(index), whole);
  }

  flushAddresses(index: number, { family, linkLocal = false }: { family?: 4 | 6; linkLocal?: boolean } = {}): void {
    for (const each of this.addresses(index)) {
      if (family !== undefined && each.family !== family) continue;
      if (linkLocal || !each.address.startsWith("fe80:")) this.removeAddress(index, each.address);
    }
  }

  routes({ family, table, index, type }: RouteFilter = {}): RouteInfo[] {
    if (table !== undefined && table !== TABLE_MAIN) return [];
    return this.network
      .routes()
      .map(routeInfo)
      .filter((route) => {
        if (family !== undefined && route.family !== family) return false;
        return (index === undefined || route.index === index) && (type === undefined || route.type === type);
      });
  }

  lookupRoute(query: RouteQuery): RouteAnswer {
    this.#mustKnow("looking up routes by", query, new Set(["destination"]));
    const found = this.network.lookupRoute(query.destination);
    if (!found) return { type: "none" };
    const route = routeInfo(found);
    return route.type === "unicast" ? { type: route.type, route } : { type: route.type };
  }

  addRoute(spec: RouteSpec): void {
    this.network.addRoute(this.#routeSpec(spec));
  }

  replaceRoute(spec: RouteSpec): void {
    this.network.replaceRoute(this.#routeSpec(spec));
  }

  changeRoute(spec: RouteSpec): void {
    this.network.changeRoute(this.#routeSpec(spec));
  }

  removeRoute(spec: RouteSpec): void {
    this.network.removeRoute(this.#routeSpec(spec));
  }

  watch<T extends NetworkTopic>(options: WatchOptions<T> = {}): DriverEvents<T> {
    const { signal, topics } = options;
    const events = this.network.watch(signal ? { signal } : {});
    return new BsdWatch<T>(events, this.network, topics);
  }

  readonly addLink = this.#never("making interfaces");
  readonly addVeth = this.#never("pairs of interfaces");
  readonly addDummy = this.#never("dummy interfaces");
  readonly deleteLink = this.#never("deleting interfaces");
  readonly appendRoute = this.#never("several routes to one destination");
  readonly rules = this.#never("policy rules");
  readonly addRule = this.#never("policy rules");
  readonly removeRule = this.#never("policy rules");
  readonly replaceRule = this.#never("policy rules");
  readonly neighbours = this.#never("lists of neighbours");
  readonly addNeighbour = this.#never("changing neighbours");
  readonly replaceNeighbour = this.#never("changing neighbours");
  readonly removeNeighbour = this.#never("changing neighbours");
  readonly flushNeighbours = this.#never("changing neighbours");
  readonly addProxy = this.#never("proxies for neighbours");
  readonly removeProxy = this.#never("proxies for neighbours");

  close(): void {
    this.network.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #named(index: number): BsdLink {
    const link = this.network.link(index);
    if (link) return link;
    throw new DeviceError("E_DEVICE_GONE", `interface ${index}: expected one, found none`);
  }

  #wholeAddress(index: number, text: string): string {
    const found = this.addresses(index).find(({ address }) => address.startsWith(`${text}/`));
    if (found) return found.address;
    throw new DeviceError("E_DEVICE_MISSING", `address ${text} of interface ${index}: expected it there, found none`);
  }

  #routeSpec(spec: RouteSpec): BsdRouteSpec {
    this.#mustKnow("routes with", spec, ROUTE_WORDS);
    const { destination = "default", family, gateway, index, table = TABLE_MAIN, hops = [], type, metrics = {} } = spec;
    this.#mustKnow("routes with metrics of", metrics, new Set(["mtuBytes"]));
    if (table !== TABLE_MAIN || hops.length > 0) throw this.#unsupported("routes of other tables or several ways");
    if (type !== undefined && type !== "unicast" && type !== "unreachable" && type !== "blackhole") {
      throw this.#unsupported(`routes of type ${type}`);
    }
    const isIpv6 = family === 6 || gateway?.includes(":") === true;
    return {
      destination: destination === "default" ? (isIpv6 ? "::/0" : "0.0.0.0/0") : destination,
      ...(gateway === undefined ? {} : { gateway }),
      ...(index === undefined ? {} : { index }),
      ...(type === undefined ? {} : { type }),
      ...(metrics.mtuBytes === undefined ? {} : { mtuBytes: metrics.mtuBytes }),
    };
  }

  #mustKnow(what: string, given: object, known: ReadonlySet<string>): void {
    for (const [word, value] of Object.entries(given)) {
      if (value !== undefined && !known.has(word)) throw this.#unsupported(`${what} ${word}`);
    }
  }

  #never(what: string): () => never {
    return () => {
      throw this.#unsupported(what);
    };
  }

  #unsupported(what: string): DeviceError {
    return new DeviceError("E_UNSUPPORTED", `${what}: expected a platform that has it, found ${this.platform}`);
  }
}

/** Events of the topics that are asked for. A link that can no longer be found has been removed. */
class BsdWatch<T extends NetworkTopic> implements DriverEvents<T> {
  constructor(
    private readonly events: BsdEvents,
    private readonly network: BsdNetwork,
    private readonly topics: readonly T[] | undefined,
  ) {}

  async next(): Promise<IteratorResult<NetworkEventOf<T>, undefined>> {
    for (;;) {
      const { done, value } = await this.events.next();
      if (done === true) return { done: true, value: undefined };
      const isWanted = value.type === "lost" || !this.topics || (this.topics as readonly string[]).includes(value.type);
      // What is not "lost" is of a topic that was asked for.
      if (isWanted) return { done: false, value: this.#translated(value) as NetworkEventOf<T> };
    }
  }

  return(): Promise<IteratorResult<NetworkEventOf<T>, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  close(): void {
    this.events.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #translated(event: BsdEvent): NetworkEventOf<"link" | "address" | "route"> {
    if (event.type === "lost") return event;
    if (event.type === "address") return { ...event, address: addressInfo(event.address) };
    if (event.type === "route") return { ...event, route: routeInfo(event.route) };
    const now = this.network.link(event.index);
    const link = linkInfo({ ...GONE, index: event.index, ...event.link, ...(now ? { name: now.name } : {}) });
    return { type: "link", change: now ? event.change : "removed", link };
  }
}

const GONE: BsdLink = {
  index: 0,
  name: "",
  mtuBytes: 0,
  up: false,
  running: false,
  loopback: false,
  pointToPoint: false,
  flags: 0,
  receivedPackets: 0,
  sentPackets: 0,
  receivedBytes: 0,
  sentBytes: 0,
};

export function linkInfo(link: BsdLink): LinkInfo {
  const { index, name, mtuBytes, up, running, loopback, pointToPoint, flags, mac } = link;
  const { receivedPackets, sentPackets, receivedBytes, sentBytes } = link;
  return {
    index,
    name,
    alternativeNames: [],
    mtuBytes,
    up,
    running,
    carrier: running,
    carrierChanges: 0,
    operState: running ? "up" : "down",
    flags,
    loopback,
    pointToPoint,
    arp: (flags & IFF_NOARP) === 0,
    multicast: (flags & IFF_MULTICAST) !== 0,
    allMulticast: (flags & IFF_ALLMULTI) !== 0,
    promiscuous: (flags & IFF_PROMISC) !== 0,
    promiscuity: 0,
    hardwareType: loopback ? ARPHRD_LOOPBACK : mac === undefined ? ARPHRD_NONE : ARPHRD_ETHER,
    group: 0,
    txQueueLength: 0,
    txQueues: 1,
    rxQueues: 1,
    ...(mac === undefined ? {} : { mac }),
    statistics: { ...NO_STATISTICS, receivedPackets, sentPackets, receivedBytes, sentBytes },
  };
}

function addressInfo(address: BsdAddress): AddressInfo {
  return { ...address, scope: 0, flags: 0, flagNames: [], createdMs: 0, updatedMs: 0 };
}

function routeInfo({ mtuBytes, ...route }: BsdRoute): RouteInfo {
  const { flags, destination } = route;
  return {
    ...route,
    destination: destination.endsWith("/0") ? "default" : destination,
    table: TABLE_MAIN,
    metric: 0,
    type: (flags & RTF_REJECT) !== 0 ? "unreachable" : (flags & RTF_BLACKHOLE) !== 0 ? "blackhole" : "unicast",
    protocol: 0,
    scope: 0,
    hops: [],
    ...(mtuBytes === undefined ? {} : { metrics: { mtuBytes } }),
  };
}
