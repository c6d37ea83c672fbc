// Routes and policy rules of the network namespace that the calling thread is in.
import type { RouteAnswer, RouteFilter, RouteInfo, RouteQuery, RouteSpec, RuleInfo, RuleSpec } from "@bunnel/tun-linux";
import { withNetwork } from "./network.ts";

/**
 * Every call throws DeviceError: E_DEVICE_DENIED without the right, E_DEVICE_OPTION for what cannot be read or cannot
 * be, E_DEVICE_GONE for a missing interface, E_DEVICE_SYSTEM with the system's own words for what it refuses.
 */
export const routes = {
  /** Of all tables and both families, or as the filter says. What is listed can be given back to `add` and `remove`. */
  list(filter?: RouteFilter): RouteInfo[] {
    return withNetwork((network) => network.routes(filter));
  },

  /** Which way a packet would go, policy rules and all. */
  lookup(query: RouteQuery): RouteAnswer {
    return withNetwork((network) => network.lookupRoute(query));
  },

  /** @throws DeviceError E_DEVICE_BUSY when the same destination, table and metric are taken */
  add(spec: RouteSpec): void {
    withNetwork((network) => network.addRoute(spec));
  },

  /** Adds it behind those with the same destination, table and metric; in IPv6 they share the flows. */
  append(spec: RouteSpec): void {
    withNetwork((network) => network.appendRoute(spec));
  },

  /** Adds it, in the place of one with the same destination, table and metric. */
  replace(spec: RouteSpec): void {
    withNetwork((network) => network.replaceRoute(spec));
  },

  /** The same, where there is one. @throws DeviceError E_DEVICE_MISSING when there is none */
  change(spec: RouteSpec): void {
    withNetwork((network) => network.changeRoute(spec));
  },

  /** Removes the first route that has everything the spec names. @throws DeviceError E_DEVICE_MISSING when none has */
  remove(spec: RouteSpec): void {
    withNetwork((network) => network.removeRoute(spec));
  },
};

/** Which table a packet is looked up in. Errors as for `routes`. */
export const rules = {
  /** Of both families, or of one; the smallest priority first. What is listed can be given back. */
  list(family?: 4 | 6): RuleInfo[] {
    return withNetwork((network) => network.rules(family));
  },

  /** @throws DeviceError E_DEVICE_BUSY when the very same rule is there */
  add(spec: RuleSpec): void {
    withNetwork((network) => network.addRule(spec));
  },

  /** Puts it in the place of all rules of its family and priority. */
  replace(spec: RuleSpec): void {
    withNetwork((network) => network.replaceRule(spec));
  },

  /**
   * Removes the first rule that has everything the spec names; Linux does not look at `invert` and the suppress limits.
   * @throws DeviceError E_DEVICE_MISSING when none has
   */
  remove(spec: RuleSpec): void {
    withNetwork((network) => network.removeRule(spec));
  },
};
