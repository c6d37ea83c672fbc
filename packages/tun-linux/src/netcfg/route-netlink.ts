// Interfaces, addresses, routes, rules and neighbours of one network namespace, read and changed by netlink.
import { DeviceError } from "@bunnel/device";
import * as nl from "../netlink/index.ts";
import * as sys from "../sys.ts";
import { formatAddress, parseAddress } from "./address-text.ts";
import * as addresses from "./addresses.ts";
import { NetworkEvents, type ConfigurationTopic, type NetworkTopic, type WatchOptions } from "./events.ts";
import { setLinkRequests, type LinkChange } from "./link-change.ts";
import { addLinkRequest, type LinkSpec } from "./link-create.ts";
import * as links from "./links.ts";
import { routeNames } from "./names.ts";
import * as neighbours from "./neighbours.ts";
import { lookupRequest, typeOfErrno, type RouteAnswer, type RouteQuery } from "./route-lookup.ts";
import * as routes from "./routes.ts";
import * as rules from "./rules.ts";

const { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } = nl;
const CREATE = NLM_F_CREATE | NLM_F_EXCL;
const FAMILIES = [4, 6] as const;

/** Further settings of a pair. */
export interface VethOptions {
  readonly peerNamespaceFd?: number;
  readonly mtuBytes?: number;
}

/**
 * Calls are synchronous and take some tens of microseconds. Every call throws DeviceError: E_DEVICE_DENIED without
 * CAP_NET_ADMIN, E_DEVICE_BUSY for what is there already, E_DEVICE_MISSING for what is to be changed or removed and is
 * not there, E_DEVICE_GONE for a missing interface, E_DEVICE_STATE for one that is down or without IPv6, E_UNSUPPORTED
 * for what this kernel does not know, E_DEVICE_OPTION for what cannot be, else E_DEVICE_SYSTEM. What the kernel refused
 * is a NetlinkError with the errno, the kernel's own words and, where it told, the attribute's name.
 */
export class RouteNetlink implements Disposable {
  readonly #socket: nl.NetlinkSocket;

  private constructor(socket: nl.NetlinkSocket) {
    this.#socket = socket;
  }

  /** The socket lives in the network namespace that the calling thread is in now, wherever the thread goes later. */
  static open(): RouteNetlink {
    return new RouteNetlink(nl.NetlinkSocket.open(nl.NETLINK_ROUTE, { strict: true, names: routeNames }));
  }

  /** Every interface of the namespace. */
  links(): links.LinkInfo[] {
    return present(this.#socket.dump(links.dumpLinks()).map(links.parseLink));
  }

  /** By its name, one of its further names, or its index. Undefined when there is no such interface. */
  link(nameOrIndex: string | number): links.LinkInfo | undefined {
    try {
      const message = this.#socket.get(links.getLink(nameOrIndex));
      return message && links.parseLink(message);
    } catch (error) {
      if (error instanceof DeviceError && error.errno === sys.ENODEV) return undefined;
      throw error;
    }
  }

  /**
   * Changes what is named. Each thing is a request of its own: where one is refused, those before it stay.
   * @throws DeviceError E_DEVICE_STATE for a new name while the interface is up: few kernels allow it, so none is asked
   */
  setLink(index: number, change: LinkChange): void {
    const requests = setLinkRequests(index, change);
    if (change.name !== undefined && change.up !== false) this.#mustBeDown(index, change.name);
    if (change.mtuBytes !== undefined) this.#mustFit(index, change.mtuBytes);
    for (const request of requests) this.#socket.request(request, `interface ${index}`);
  }

  /** Makes an interface: a pair, a dummy, a bridge, a VLAN. It is there whole, or not at all. */
  addLink(spec: LinkSpec): void {
    this.#socket.request(addLinkRequest(spec), `interface "${spec.name}"`);
  }

  /** A pair of interfaces: what one sends, the other receives. */
  addVeth(name: string, peerName: string, { peerNamespaceFd, mtuBytes }: VethOptions = {}): void {
    const size = mtuBytes === undefined ? {} : { mtuBytes };
    const place = peerNamespaceFd === undefined ? {} : { namespaceFd: peerNamespaceFd };
    this.addLink({ kind: "veth", name, ...size, peer: { name: peerName, ...size, ...place } });
  }

  /** An interface that drops what it is given. */
  addDummy(name: string): void {
    this.addLink({ kind: "dummy", name });
  }

  /** Removes an interface of a kind that was made. @throws DeviceError E_DEVICE_GONE, E_UNSUPPORTED for others */
  deleteLink(index: number): void {
    this.#socket.request(links.deleteLinkRequest(index), `interface ${index}`);
  }

  /** Of one interface, or of all. */
  addresses(index = 0): addresses.AddressInfo[] {
    const all = present(this.#socket.dump(addresses.dumpAddresses(index)).map(addresses.parseAddressInfo));
    return index === 0 ? all : all.filter((address) => address.index === index);
  }

  /**
   * @throws DeviceError E_DEVICE_BUSY when the interface has it, E_DEVICE_OPTION when it cannot be read
   * @param address with its prefix length: "192.0.2.1/24"
   */
  addAddress(index: number, address: string, options: addresses.AddressOptions = {}): void {
    this.#socket.request(addresses.addAddressRequest(index, address, options), addressOf(index, address));
  }

  /**
   * Adds it, or gives the one that is there other lifetimes, another metric and, in IPv6, other flags. The kernel
   * leaves all else of an address that is there as it is.
   */
  replaceAddress(index: number, address: string, options: addresses.AddressOptions = {}): void {
    const request = addresses.addAddressRequest(index, address, options, "change");
    this.#socket.request(request, addressOf(index, address));
  }

  /**
   * The parts that are left out are found out first.
   * @param address with its prefix length, and `peer` as it was added; without either, the first of that address is
   * removed whatever its prefix length
   */
  removeAddress(index: number, address: string, options: { readonly peer?: string } = {}): void {
    const found = address.includes("/") || options.peer !== undefined ? undefined : this.#findAddress(index, address);
    const peer = found?.peer ?? options.peer;
    const request = addresses.removeAddressRequest(index, found?.address ?? address, peer);
    this.#socket.request(request, addressOf(index, address));
  }

  /** Removes all addresses of an interface, or those of one family; IPv6 link-local ones only when asked for. */
  flushAddresses(index: number, options: { readonly family?: 4 | 6; readonly linkLocal?: boolean } = {}): void {
    for (const { address, peer, family } of this.addresses(index)) {
      const isKept = options.linkLocal !== true && family === 6 && /^fe[89ab]/.test(address);
      if (isKept || (options.family !== undefined && family !== options.family)) continue;
      // Removing the first address of an IPv4 network takes the others of it along.
      this.#unlessMissing(() => this.removeAddress(index, address, peer === undefined ? {} : { peer }));
    }
  }

  /** Routes of all tables and both families, or as the filter says. */
  routes(filter: routes.RouteFilter = {}): routes.RouteInfo[] {
    const families = filter.family === undefined ? FAMILIES : [filter.family];
    return families.flatMap((family) => this.#routesOf(family, filter));
  }

  /** Which way a packet would go, rules and all. */
  lookupRoute(query: RouteQuery): RouteAnswer {
    const request = lookupRequest(query);
    try {
      const message = this.#socket.get(request);
      const route = message && routes.parseRoute(message);
      return route ? { type: route.type, route } : { type: "none" };
    } catch (error) {
      const type = error instanceof nl.NetlinkError ? this.#nowhere(query, error) : undefined;
      if (type === undefined) throw error;
      return { type };
    }
  }

  /** @throws DeviceError E_DEVICE_BUSY when the same destination, table and metric are taken */
  addRoute(spec: routes.RouteSpec): void {
    this.#newRoute(CREATE, spec);
  }

  /** Adds it behind those with the same destination, table and metric; in IPv6 they share the flows. */
  appendRoute(spec: routes.RouteSpec): void {
    this.#newRoute(NLM_F_CREATE | NLM_F_APPEND, spec);
  }

  /** Adds it, in the place of one with the same destination, table and metric. */
  replaceRoute(spec: routes.RouteSpec): void {
    this.#newRoute(NLM_F_CREATE | NLM_F_REPLACE, spec);
  }

  /** Puts it in the place of the one with the same destination, table and metric, which must be there. */
  changeRoute(spec: routes.RouteSpec): void {
    this.#newRoute(NLM_F_REPLACE, spec);
  }

  /** Removes the first route that has everything the spec names; errno ESRCH (3) when there is none. */
  removeRoute(spec: routes.RouteSpec): void {
    this.#socket.request(routes.routeRequest(routes.RTM_DELROUTE, 0, spec), routeOf(spec));
  }

  /** Of one family, or of both; the smallest priority first. */
  rules(family?: 4 | 6): rules.RuleInfo[] {
    const families = family === undefined ? FAMILIES : [family];
    return families.flatMap((one) => present(this.#socket.dump(rules.dumpRules(one)).map(rules.parseRule)));
  }

  /** @throws DeviceError E_DEVICE_BUSY when the very same rule is there */
  addRule(spec: rules.RuleSpec): void {
    this.#socket.request(rules.ruleRequest(rules.RTM_NEWRULE, CREATE, spec), `rule ${spec.priority}`);
  }

  /**
   * Removes the first rule that has everything the spec names; errno ENOENT (2) when there is none. The kernel does not
   * look at `invert` and the suppress limits: of rules that differ in nothing else the first one goes.
   */
  removeRule(spec: rules.RuleSpec): void {
    this.#socket.request(rules.ruleRequest(rules.RTM_DELRULE, 0, spec), `rule ${spec.priority}`);
  }

  /**
   * Puts it in the place of all rules of its family and priority, which the kernel has no request for. It is there
   * before they go; only where it was one of them already, it is away for a moment.
   */
  replaceRule(spec: rules.RuleSpec): void {
    const others = this.rules(spec.family).filter(({ priority }) => priority === spec.priority);
    const isThere = !this.#isNew(() => this.addRule(spec));
    // The first rule that has what is named goes: these stand before the new one and are named in their order.
    for (const other of others) this.removeRule(other);
    if (isThere) this.addRule(spec);
  }

  /** Entries of all interfaces and both families, or as the filter says. */
  neighbours(filter: neighbours.NeighbourFilter = {}): neighbours.NeighbourInfo[] {
    const families = filter.family === undefined ? FAMILIES : [filter.family];
    const all = families.flatMap((family) => this.#socket.dump(neighbours.dumpNeighbours(family, filter)));
    return present(all.map(neighbours.parseNeighbour)).filter((entry) => neighbours.isNeighbourOf(entry, filter));
  }

  /** @throws DeviceError E_DEVICE_BUSY when there is an entry for the address, also one that the kernel made */
  addNeighbour(index: number, spec: neighbours.NeighbourSpec): void {
    const request = neighbours.addNeighbourRequest(CREATE, index, spec);
    this.#socket.request(request, neighbourOf(index, spec.address));
  }

  /** Adds it, or takes the place of the one that is there. */
  replaceNeighbour(index: number, spec: neighbours.NeighbourSpec): void {
    const request = neighbours.addNeighbourRequest(NLM_F_CREATE | NLM_F_REPLACE, index, spec);
    this.#socket.request(request, neighbourOf(index, spec.address));
  }

  /** @throws DeviceError E_DEVICE_MISSING when there is none */
  removeNeighbour(index: number, address: string): void {
    this.#socket.request(neighbours.removeNeighbourRequest(index, address, false), neighbourOf(index, address));
  }

  /** Forgets what was learned on an interface: all entries but those in the states "permanent" and "noarp". */
  flushNeighbours(index: number, filter: Omit<neighbours.NeighbourFilter, "index" | "proxy"> = {}): void {
    for (const { address, state } of this.neighbours({ ...filter, index })) {
      const isOurs = state === "permanent" || state === "noarp";
      if (!isOurs || filter.state === state) this.#unlessMissing(() => this.removeNeighbour(index, address));
    }
  }

  /** From now on this machine answers on the interface in the place of an address. */
  addProxy(index: number, address: string): void {
    this.#socket.request(neighbours.addProxyRequest(CREATE, index, address), neighbourOf(index, address));
  }

  /** @throws DeviceError E_DEVICE_MISSING when there is none */
  removeProxy(index: number, address: string): void {
    this.#socket.request(neighbours.removeNeighbourRequest(index, address, true), neighbourOf(index, address));
  }

  /**
   * Events of the network namespace that the calling thread is in now, from now on.
   * @throws the signal's reason when it is aborted already
   */
  watch<T extends NetworkTopic = ConfigurationTopic>(options: WatchOptions<T> = {}): NetworkEvents<T> {
    return NetworkEvents.open(options);
  }

  /** Closes its socket. A second call does nothing. */
  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #newRoute(flags: number, spec: routes.RouteSpec): void {
    this.#socket.request(routes.routeRequest(routes.RTM_NEWROUTE, flags, spec), routeOf(spec));
  }

  /** False: the very same thing is there already. */
  #isNew(add: () => void): boolean {
    try {
      add();
      return true;
    } catch (error) {
      if (error instanceof DeviceError && error.code === "E_DEVICE_BUSY") return false;
      throw error;
    }
  }

  #routesOf(family: 4 | 6, filter: routes.RouteFilter): routes.RouteInfo[] {
    try {
      const all = present(this.#socket.dump(routes.dumpRoutes(family, filter)).map(routes.parseRoute));
      return all.filter((route) => routes.matchesFilter(route, filter));
    } catch (error) {
      // The kernel says ENOENT for a table that no route was ever put into, ENODEV for an interface that is not there.
      const absent = error instanceof DeviceError && [sys.ENOENT, sys.ENODEV].includes(error.errno);
      if (absent) return [];
      throw error;
    }
  }

  #findAddress(index: number, text: string): addresses.AddressInfo | undefined {
    const wanted = formatAddress(parseAddress(text).octets);
    return this.addresses(index).find(({ address }) => address.split("/")[0] === wanted);
  }

  /** What a refusal says of the way that a packet goes; undefined when it is about the question. */
  #nowhere({ source }: RouteQuery, { errno, explanation }: nl.NetlinkError): RouteAnswer["type"] | undefined {
    if (explanation !== "") return undefined;
    const wanted = source === undefined ? undefined : formatAddress(parseAddress(source).octets);
    const isOurs = wanted === undefined || this.addresses().some(({ address }) => address.split("/")[0] === wanted);
    return typeOfErrno(errno, isOurs);
  }

  /** The kernel says only that it is too much, or too little. */
  #mustFit(index: number, mtuBytes: number): void {
    const { name = index, minMtuBytes = 0, maxMtuBytes = Number.POSITIVE_INFINITY } = this.link(index) ?? {};
    if (mtuBytes >= minMtuBytes && mtuBytes <= maxMtuBytes) return;
    const expected = `expected ${minMtuBytes} to ${maxMtuBytes}`;
    throw new DeviceError("E_DEVICE_OPTION", `mtuBytes of interface ${name}: ${expected}, found ${mtuBytes}`);
  }

  #mustBeDown(index: number, name: string): void {
    const link = this.link(index);
    if (!link?.up || link.name === name) return;
    throw new DeviceError(
      "E_DEVICE_STATE",
      `interface ${link.name}: expected it down to be called "${name}" (give up: false with the name), found it up`,
    );
  }

  #unlessMissing(remove: () => void): void {
    try {
      remove();
    } catch (error) {
      if (!(error instanceof DeviceError) || error.code !== "E_DEVICE_MISSING") throw error;
    }
  }
}

function present<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value): value is T => value !== undefined);
}

function addressOf(index: number, address: string): string {
  return `address ${address} of interface ${index}`;
}

function routeOf({ destination = "default" }: routes.RouteSpec): string {
  return `route ${destination}`;
}

function neighbourOf(index: number, address: string): string {
  return `neighbour ${address} of interface ${index}`;
}
