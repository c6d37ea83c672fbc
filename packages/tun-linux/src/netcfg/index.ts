export type { AddressFlag, AddressFlags } from "./address-flags.ts";
export { IFA_F_DADFAILED, IFA_F_NODAD, IFA_F_TENTATIVE } from "./address-flags.ts";
export * from "./address-text.ts";
export type { AddressInfo, AddressOptions } from "./addresses.ts";
export { NetworkEvents } from "./events.ts";
export type {
  ConfigurationTopic,
  LostEvent,
  NetworkChange,
  NetworkEvent,
  NetworkEventOf,
  NetworkTopic,
  WatchOptions,
} from "./events.ts";
export { IFF_RUNNING, IFF_UP } from "./link-attributes.ts";
export type { LinkChange } from "./link-change.ts";
export type { BridgeSpec, DummySpec, LinkSpec, VethSpec, VlanSpec } from "./link-create.ts";
export type { BridgeDetails, LinkDetails, TunDetails, VethDetails, VlanDetails, VlanProtocol } from "./link-kinds.ts";
export type { LinkStatistics } from "./link-statistics.ts";
export { checkLinkName } from "./links.ts";
export type { LinkInfo, LinkLocalMode, OperState } from "./links.ts";
export { formatMac, parseMac } from "./mac-text.ts";
export type { NeighbourFilter, NeighbourInfo, NeighbourSpec, NeighbourState } from "./neighbours.ts";
export type { NextHop, NextHopSpec } from "./route-hops.ts";
export type { RouteAnswer, RouteQuery } from "./route-lookup.ts";
export type { RouteMetrics } from "./route-metrics.ts";
export { RouteNetlink, type VethOptions } from "./route-netlink.ts";
export { TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN } from "./routes.ts";
export type { RouteFilter, RouteInfo, RouteSpec, RouteType } from "./routes.ts";
export type { RuleInfo, RuleSpec, RuleType } from "./rules.ts";
export type { Scope } from "./scopes.ts";
