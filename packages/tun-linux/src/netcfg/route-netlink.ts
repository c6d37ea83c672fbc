// Interfaces, addresses, routes and rules of one network namespace, read and changed by netlink.
import { DeviceError } from "@bunnel/device";
import * as nl from "../netlink/index.ts";
import * as sys from "../sys.ts";
import * as addresses from "./addresses.ts";
import { NetworkEvents } from "./events.ts";
import * as links from "./links.ts";
import * as routes from "./routes.ts";
import * as rules from "./rules.ts";

const CREATE = nl.NLM_F_CREATE | nl.NLM_F_EXCL;

/**
 * Calls are synchronous and take some tens of microseconds. Every call throws DeviceError: E_DEVICE_DENIED without
 * CAP_NET_ADMIN, E_DEVICE_BUSY for what is there already, E_DEVICE_GONE for a missing interface, E_DEVICE_OPTION for
 * texts that cannot be read, else E_DEVICE_SYSTEM with the errno and the kernel's words.
 */
export class RouteNetlink implements Disposable {
  readonly #socket: nl.NetlinkSocket;

  private constructor(socket: nl.NetlinkSocket) {
    this.#socket = socket;
  }

  /** The socket lives in the network namespace that the calling thread is in now, wherever the thread goes later. */
  static open(): RouteNetlink {
    return new RouteNetlink(nl.NetlinkSocket.open(nl.NETLINK_ROUTE, { strict: true }));
  }

  links(): links.LinkInfo[] {
    return present(this.#socket.dump(links.dumpLinks()).map(links.parseLink));
  }

  /** Undefined when there is no such interface. */
  link(nameOrIndex: string | number): links.LinkInfo | undefined {
    try {
      const message = this.#socket.get(links.getLink(nameOrIndex));
      return message && links.parseLink(message);
    } catch (error) {
      if (error instanceof DeviceError && error.errno === sys.ENODEV) return undefined;
      throw error;
    }
  }

  setLink(index: number, change: links.LinkChange): void {
    for (const request of links.setLinkRequests(index, change)) this.#socket.request(request);
  }

  /** A pair of interfaces: what one sends, the other receives. */
  addVeth(name: string, peerName: string, options: links.VethOptions = {}): void {
    this.#socket.request(links.addVethRequest(name, peerName, options));
  }

  /** An interface that drops what it is given. */
  addDummy(name: string): void {
    this.#socket.request(links.addDummyRequest(name));
  }

  deleteLink(index: number): void {
    this.#socket.request(links.deleteLinkRequest(index));
  }

  /** Of one interface, or of all. */
  addresses(index = 0): addresses.AddressInfo[] {
    const all = present(this.#socket.dump(addresses.dumpAddresses(index)).map(addresses.parseAddressInfo));
    return index === 0 ? all : all.filter((address) => address.index === index);
  }

  /** @param address with its prefix length: "192.0.2.1/24" */
  addAddress(index: number, address: string, options: addresses.AddressOptions = {}): void {
    this.#socket.request(addresses.addAddressRequest(index, address, options));
  }

  /** @param address as it was added, `peer` too */
  removeAddress(index: number, address: string, options: { readonly peer?: string } = {}): void {
    this.#socket.request(addresses.removeAddressRequest(index, address, options.peer));
  }

  routes(filter: routes.RouteFilter = {}): routes.RouteInfo[] {
    const families = filter.family === undefined ? ([4, 6] as const) : [filter.family];
    return families.flatMap((family) => this.#routesOf(family, filter.table));
  }

  /** @throws DeviceError E_DEVICE_BUSY when the same destination, table and metric are taken */
  addRoute(spec: routes.RouteSpec): void {
    this.#socket.request(routes.routeRequest(routes.RTM_NEWROUTE, CREATE, spec));
  }

  /** Adds it, in the place of one with the same destination, table and metric. */
  replaceRoute(spec: routes.RouteSpec): void {
    const flags = nl.NLM_F_CREATE | nl.NLM_F_REPLACE;
    this.#socket.request(routes.routeRequest(routes.RTM_NEWROUTE, flags, spec));
  }

  /** Removes the first route that has everything the spec names; errno ESRCH (3) when there is none. */
  removeRoute(spec: routes.RouteSpec): void {
    this.#socket.request(routes.routeRequest(routes.RTM_DELROUTE, 0, spec));
  }

  rules(family: 4 | 6): rules.RuleInfo[] {
    return present(this.#socket.dump(rules.dumpRules(family)).map(rules.parseRule));
  }

  /** @throws DeviceError E_DEVICE_BUSY when the very same rule is there */
  addRule(spec: rules.RuleSpec): void {
    this.#socket.request(rules.ruleRequest(rules.RTM_NEWRULE, CREATE, spec));
  }

  /** Removes the first rule that has everything the spec names; errno ENOENT (2) when there is none. */
  removeRule(spec: rules.RuleSpec): void {
    this.#socket.request(rules.ruleRequest(rules.RTM_DELRULE, 0, spec));
  }

  /** Events of the network namespace that the calling thread is in now, from now on. */
  watchLinks(): NetworkEvents {
    return NetworkEvents.open();
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #routesOf(family: 4 | 6, table: number | undefined): routes.RouteInfo[] {
    try {
      const all = present(this.#socket.dump(routes.dumpRoutes(family, table)).map(routes.parseRoute));
      return table === undefined ? all : all.filter((route) => route.table === table);
    } catch (error) {
      // The kernel says ENOENT for a table that no route was ever put into.
      if (table !== undefined && error instanceof DeviceError && error.errno === sys.ENOENT) return [];
      throw error;
    }
  }
}

function present<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value): value is T => value !== undefined);
}
