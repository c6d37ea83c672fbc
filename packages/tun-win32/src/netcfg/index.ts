export type { WindowsAddress } from "./addresses.ts";
export type { WindowsDns } from "./dns.ts";
export { WindowsEvents } from "./events.ts";
export type { WindowsChange, WindowsEvent, WindowsTopic, WindowsWatchOptions } from "./events.ts";
export type { InterfaceChange, WindowsInterface } from "./interfaces.ts";
export type { WindowsNeighbour, WindowsNeighbourState } from "./neighbours.ts";
export { WindowsNetwork } from "./network.ts";
export type { WindowsRoute, WindowsRouteAnswer, WindowsRouteSpec } from "./routes.ts";
