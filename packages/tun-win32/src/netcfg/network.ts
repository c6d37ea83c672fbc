// The network of a Windows machine: its interfaces, addresses, routes, neighbours and name servers.
import { DeviceError } from "@bunnel/device";
import { windowsSetup, type WindowsSetupOptions } from "../libraries.ts";
import { luidOfAlias, luidOfIndex } from "../luid.ts";
import { systemOf, type WindowsSystem } from "../sys.ts";
import * as addresses from "./addresses.ts";
import { setDns, type WindowsDns } from "./dns.ts";
import { WindowsEvents, type WindowsWatchOptions } from "./events.ts";
import * as interfaces from "./interfaces.ts";
import * as neighbours from "./neighbours.ts";
import { parsePrefix, type Family } from "./prefix.ts";
import * as routes from "./routes.ts";

/** IPv6 link-local addresses, fe80::/10 (RFC 4291 section 2.5.6), as Windows writes them. */
const LINK_LOCAL = /^fe[89ab]/;

/**
 * Every call throws DeviceError: E_DEVICE_GONE for a missing interface, E_DEVICE_DENIED without the rights of an
 * administrator, E_DEVICE_OPTION for what cannot be read or cannot be, E_DEVICE_SYSTEM with Windows' number. It holds
 * nothing open.
 */
export class WindowsNetwork {
  readonly #system: WindowsSystem;

  constructor(setup: WindowsSetupOptions = {}) {
    this.#system = systemOf(windowsSetup(setup));
  }

  links(): interfaces.WindowsInterface[] {
    return interfaces.interfaces(this.#system);
  }

  /** Undefined: there is no such interface. */
  link(nameOrIndex: string | number): interfaces.WindowsInterface | undefined {
    const luid = this.#find(nameOrIndex);
    return luid === undefined ? undefined : interfaces.interfaceOf(this.#system, luid);
  }

  /** Changes both IP stacks of an interface, or that of a family. */
  setLink(index: number, change: interfaces.InterfaceChange, family?: Family): void {
    const luid = this.#luid(index);
    const families = family === undefined ? interfaces.familiesOf(this.#system, luid) : [family];
    for (const each of families) interfaces.changeInterface(this.#system, luid, each, change);
  }

  /** Of all interfaces, or of one. */
  addresses(index = 0): addresses.WindowsAddress[] {
    return addresses.addresses(this.#system, index === 0 ? undefined : this.#luid(index));
  }

  /** @param address with its prefix length: "192.0.2.1/24" */
  addAddress(index: number, address: string): void {
    addresses.addAddress(this.#system, this.#luid(index), parsePrefix(address));
  }

  /** @throws DeviceError E_DEVICE_MISSING when the interface does not have it */
  removeAddress(index: number, address: string): void {
    addresses.removeAddress(this.#system, this.#luid(index), address);
  }

  /** Removes all addresses, or those of a family; IPv6 link-local ones only when they are asked for. */
  flushAddresses(index: number, options: { readonly family?: Family; readonly linkLocal?: boolean } = {}): void {
    const { family, linkLocal = false } = options;
    for (const each of this.addresses(index)) {
      const isMeant = (family === undefined || each.family === family) && (linkLocal || !LINK_LOCAL.test(each.address));
      if (isMeant) this.removeAddress(index, each.address);
    }
  }

  /** Of both families and all interfaces, or as the filter says. */
  routes(filter: { readonly family?: Family; readonly index?: number } = {}): routes.WindowsRoute[] {
    const { family, index } = filter;
    return routes
      .routes(this.#system)
      .filter((each) => (family ?? each.family) === each.family && (index ?? each.index) === each.index);
  }

  /** Which way a packet to `destination` would go now; with an index, if it had to leave by that interface. */
  lookupRoute(destination: string, index?: number): routes.WindowsRouteAnswer {
    return routes.lookupRoute(this.#system, destination, index === undefined ? undefined : this.#luid(index));
  }

  /** @throws DeviceError E_DEVICE_BUSY when the same destination, gateway and interface are taken */
  addRoute(spec: routes.WindowsRouteSpec): void {
    routes.addRoute(this.#system, this.#luid(spec.index), spec);
  }

  /** Adds it, in the place of one with the same destination, gateway and interface. */
  replaceRoute(spec: routes.WindowsRouteSpec): void {
    routes.replaceRoute(this.#system, this.#luid(spec.index), spec);
  }

  /** @throws DeviceError E_DEVICE_MISSING when there is none */
  removeRoute(spec: routes.WindowsRouteSpec): void {
    routes.removeRoute(this.#system, this.#luid(spec.index), spec);
  }

  neighbours(index?: number): neighbours.WindowsNeighbour[] {
    return neighbours.neighbours(this.#system).filter((each) => index === undefined || each.index === index);
  }

  /** A permanent entry. @throws DeviceError E_DEVICE_BUSY when there is one for the address */
  addNeighbour(index: number, address: string, mac: string): void {
    neighbours.addNeighbour(this.#system, this.#luid(index), address, mac);
  }

  /** @throws DeviceError E_DEVICE_MISSING when there is none */
  removeNeighbour(index: number, address: string): void {
    neighbours.removeNeighbour(this.#system, this.#luid(index), address);
  }

  /**
   * Sets the name servers and search domains of an interface for both families; they go with a Wintun adapter.
   * @throws DeviceError E_UNSUPPORTED before Windows 10 2004
   */
  setDns(index: number, dns: WindowsDns): void {
    setDns(this.#system, this.#luid(index), dns);
  }

  /** No name servers, no search domains. */
  clearDns(index: number): void {
    setDns(this.#system, this.#luid(index), {});
  }

  /** Changes of interfaces, addresses and routes from now on. */
  watch(options?: WindowsWatchOptions): WindowsEvents {
    return WindowsEvents.open(this.#system, options);
  }

  /** What the interface's own number is to `iphlpapi`. */
  #luid(index: number): bigint {
    const luid = luidOfIndex(this.#system, index);
    if (luid !== undefined) return luid;
    throw new DeviceError("E_DEVICE_GONE", `interface ${index}: expected one, found none`);
  }

  #find(nameOrIndex: string | number): bigint | undefined {
    return typeof nameOrIndex === "number"
      ? luidOfIndex(this.#system, nameOrIndex)
      : luidOfAlias(this.#system, nameOrIndex);
  }
}
