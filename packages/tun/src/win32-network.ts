// The network of a Windows machine as this package's other calls know a network. What Windows has not throws
// E_UNSUPPORTED with its name: policy rules, tables, interfaces made by hand, proxies.
import { DeviceError } from "@bunnel/device";
import type * as Linux from "@bunnel/tun-linux";
import type { InterfaceChange, WindowsEvent, WindowsNetwork, WindowsRouteSpec, WindowsTopic } from "@bunnel/tun-win32";
import type { DriverEvents, DriverNetwork } from "./driver.ts";
import { addressOf, linkOf, neighbourOf, routeOf, TABLE_MAIN } from "./win32-shapes.ts";

/** Of a route spec, what Windows has, and of which it has one value only. */
const ROUTE: ReadonlySet<string> = new Set([
  ...["destination", "family", "gateway", "index", "metric", "protocol", "flags"],
  ...["table", "type", "scope", "hops"],
]);
const LINK: ReadonlySet<string> = new Set(["mtuBytes", "ipv6LinkLocal"]);
const TOPICS: readonly string[] = ["link", "address", "route"];

export class Win32Network implements DriverNetwork {
  constructor(readonly network: WindowsNetwork) {}

  links(): Linux.LinkInfo[] {
    return this.network.links().map(linkOf);
  }

  link(nameOrIndex: string | number): Linux.LinkInfo | undefined {
    const found = this.network.link(nameOrIndex);
    return found && linkOf(found);
  }

  setLink(index: number, change: Linux.LinkChange): void {
    refuseOthers("changing", change, LINK);
    const { mtuBytes, ipv6LinkLocal } = change;
    if (mtuBytes !== undefined) this.network.setLink(index, { mtuBytes });
    if (ipv6LinkLocal === undefined) return;
    const linkLocal: InterfaceChange = { linkLocal: ipv6LinkLocal !== "none" };
    this.network.setLink(index, linkLocal, 6);
  }

  addLink(): never {
    throw unsupported("making interfaces");
  }

  addVeth(): never {
    throw unsupported("pairs");
  }

  addDummy(): never {
    throw unsupported("making interfaces");
  }

  deleteLink(): never {
    throw unsupported("deleting interfaces");
  }

  addresses(index = 0): Linux.AddressInfo[] {
    return this.network.addresses(index).map(addressOf);
  }

  /** Nobody is ever asked whether he has it, so that is no difference. */
  addAddress(index: number, address: string, options: Linux.AddressOptions = {}): void {
    refuseOthers("an address's", options, new Set(["noDad"]));
    this.network.addAddress(index, address);
  }

  replaceAddress(index: number, address: string, options?: Linux.AddressOptions): void {
    this.addAddress(index, address, options);
  }

  removeAddress(index: number, address: string): void {
    this.network.removeAddress(index, address);
  }

  flushAddresses(index: number, options?: { readonly family?: 4 | 6; readonly linkLocal?: boolean }): void {
    this.network.flushAddresses(index, options);
  }

  routes(filter: Linux.RouteFilter = {}): Linux.RouteInfo[] {
    const { family, index, table = TABLE_MAIN, type = "unicast", protocol } = filter;
    if (table !== TABLE_MAIN || type !== "unicast") return [];
    const wanted = { ...(family === undefined ? {} : { family }), ...(index === undefined ? {} : { index }) };
    const found = this.network.routes(wanted).map(routeOf);
    return found.filter((each) => protocol === undefined || each.protocol === protocol);
  }

  lookupRoute({ destination, outIndex, ...others }: Linux.RouteQuery): Linux.RouteAnswer {
    refuseOthers("a lookup's", others, new Set());
    const { source, ...route } = this.network.lookupRoute(destination, outIndex);
    return { type: "unicast", route: { ...routeOf(route), destination, source } };
  }

  addRoute(spec: Linux.RouteSpec): void {
    this.network.addRoute(specOf(spec));
  }

  appendRoute(): never {
    throw unsupported("several routes with one destination and gateway");
  }

  replaceRoute(spec: Linux.RouteSpec): void {
    this.network.replaceRoute(specOf(spec));
  }

  changeRoute(spec: Linux.RouteSpec): void {
    this.network.removeRoute(specOf(spec));
    this.network.addRoute(specOf(spec));
  }

  removeRoute(spec: Linux.RouteSpec): void {
    this.network.removeRoute(specOf(spec));
  }

  rules(): Linux.RuleInfo[] {
    return [];
  }

  replaceRule(): never {
    throw unsupported("policy rules");
  }

  addRule(): never {
    throw unsupported("policy rules");
  }

  removeRule(): never {
    throw unsupported("policy rules");
  }

  neighbours({ index, family, state, proxy = false }: Linux.NeighbourFilter = {}): Linux.NeighbourInfo[] {
    if (proxy) return [];
    const found = this.network.neighbours(index).map(neighbourOf);
    return found.filter((each) => (family ?? each.family) === each.family && (state ?? each.state) === each.state);
  }

  addNeighbour(index: number, { address, mac, state = "permanent", ...others }: Linux.NeighbourSpec): void {
    refuseOthers("a neighbour's", others, new Set());
    if (mac === undefined || state !== "permanent") throw unsupported("neighbours that are not permanent");
    this.network.addNeighbour(index, address, mac);
  }

  replaceNeighbour(index: number, spec: Linux.NeighbourSpec): void {
    const isThere = this.network.neighbours(index).some(({ address }) => address === spec.address);
    if (isThere) this.network.removeNeighbour(index, spec.address);
    this.addNeighbour(index, spec);
  }

  removeNeighbour(index: number, address: string): void {
    this.network.removeNeighbour(index, address);
  }

  flushNeighbours(index: number, filter: Omit<Linux.NeighbourFilter, "index" | "proxy"> = {}): void {
    for (const { address, state } of this.neighbours({ ...filter, index })) {
      if (state !== "permanent") this.network.removeNeighbour(index, address);
    }
  }

  addProxy(): never {
    throw unsupported("answering in the place of an address");
  }

  removeProxy(): never {
    throw unsupported("answering in the place of an address");
  }

  watch<T extends Linux.NetworkTopic = Linux.ConfigurationTopic>(options: Linux.WatchOptions<T> = {}): DriverEvents<T> {
    const { topics, signal } = options;
    const wanted = (topics ?? TOPICS).filter((topic) => TOPICS.includes(topic)) as WindowsTopic[];
    const events = this.network.watch({ topics: wanted, ...(signal ? { signal } : {}) });
    return new Win32Events<T>(events[Symbol.asyncIterator](), () => events.close());
  }

  close(): void {
    // It holds nothing.
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Events of Windows under the names that this package has for them. */
class Win32Events<T extends Linux.NetworkTopic> implements DriverEvents<T> {
  constructor(
    private readonly events: AsyncGenerator<WindowsEvent, void, undefined>,
    readonly close: () => void,
  ) {}

  async next(): Promise<IteratorResult<Linux.NetworkEventOf<T>, undefined>> {
    const { done, value } = await this.events.next();
    // Only topics that were asked for are listened to.
    return done || !value ? { done: true, value: undefined } : { done: false, value: named(value) as never };
  }

  return(): Promise<IteratorResult<Linux.NetworkEventOf<T>, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function named(event: WindowsEvent): Linux.NetworkEventOf<"link" | "address" | "route"> {
  if (event.type === "link") return { ...event, link: linkOf(event.link) };
  if (event.type === "address") return { ...event, address: addressOf(event.address) };
  return { ...event, route: routeOf(event.route) };
}

/** What Windows has of a route; what is listed can be given back. */
function specOf(spec: Linux.RouteSpec): WindowsRouteSpec {
  const { destination, family, gateway, index, metric, table = TABLE_MAIN, type = "unicast", hops = [] } = spec;
  refuseOthers("a route's", spec, ROUTE);
  if (table !== TABLE_MAIN || type !== "unicast" || hops.length > 0)
    throw unsupported("tables, types and several hops");
  if (index === undefined) throw new DeviceError("E_DEVICE_OPTION", "route: expected an interface index, found none");
  return {
    index,
    ...(destination === undefined ? {} : { destination }),
    ...(family === undefined ? {} : { family }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(metric === undefined ? {} : { metric }),
  };
}

function refuseOthers(what: string, values: object, known: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== false && !known.has(name)) throw unsupported(`${what} ${name}`);
  }
}

function unsupported(what: string): DeviceError {
  return new DeviceError("E_UNSUPPORTED", `${what}: expected a platform that has it, found win32`);
}
