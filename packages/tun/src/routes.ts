// Routes and policy rules of the network namespace that the calling thread is in, and the stream of its changes.
import type { NetworkEvents, RouteFilter, RouteInfo, RouteSpec, RuleInfo, RuleSpec } from "@bunnel/tun-linux";
import { driver } from "./driver.ts";

/** Every call throws DeviceError: E_DEVICE_DENIED without the right, E_DEVICE_OPTION for what cannot be read. */
export const routes = {
  list(filter?: RouteFilter): RouteInfo[] {
    using network = driver().openNetwork();
    return network.routes(filter);
  },

  /** @throws DeviceError E_DEVICE_BUSY when the same destination, table and metric are taken */
  add(spec: RouteSpec): void {
    using network = driver().openNetwork();
    network.addRoute(spec);
  },

  /** Adds it, in the place of one with the same destination, table and metric. */
  replace(spec: RouteSpec): void {
    using network = driver().openNetwork();
    network.replaceRoute(spec);
  },

  /** Removes the first route that has everything the spec names; errno ESRCH (3) when there is none. */
  remove(spec: RouteSpec): void {
    using network = driver().openNetwork();
    network.removeRoute(spec);
  },
};

/** Which table a packet is looked up in. Errors as for `routes`. */
export const rules = {
  list(family: 4 | 6): RuleInfo[] {
    using network = driver().openNetwork();
    return network.rules(family);
  },

  /** @throws DeviceError E_DEVICE_BUSY when the very same rule is there */
  add(spec: RuleSpec): void {
    using network = driver().openNetwork();
    network.addRule(spec);
  },

  /** Removes the first rule that has everything the spec names; errno ENOENT (2) when there is none. */
  remove(spec: RuleSpec): void {
    using network = driver().openNetwork();
    network.removeRule(spec);
  },
};

/** Changes of interfaces, addresses, routes and rules from now on. */
export function watchNetwork(): NetworkEvents {
  using network = driver().openNetwork();
  return network.watchLinks();
}
