// Routes. Source: netioapi.h MIB_IPFORWARD_ROW2.
import { DeviceError } from "@bunnel/device";
import { formatAddress } from "@bunnel/wire";
import {
  AF_UNSPEC,
  ERROR_NOT_FOUND,
  ERROR_OBJECT_ALREADY_EXISTS,
  LIFETIME_INFINITE,
  MIB_IPPROTO_NETMGMT,
  NlroManual,
} from "../constants.ts";
import { checkWindows, windowsError } from "../errors.ts";
import { luidOctets } from "../luid.ts";
import { MIB_IPFORWARD_ROW2, SOCKADDR_INET } from "../structs.ts";
import type { WindowsSystem } from "../sys.ts";
import {
  decodeAddress,
  decodePrefix,
  encodeAddress,
  encodePrefix,
  formatPrefix,
  parseAddress,
  parsePrefix,
  unspecified,
  type Family,
  type IpPrefix,
} from "./prefix.ts";
import { tableRows } from "./table.ts";

export interface WindowsRouteSpec {
  /** A prefix, or "default". Default: "default". */
  readonly destination?: string;
  /** Needed only where neither destination nor gateway tells it. Default 4. */
  readonly family?: Family;
  /** Default: everything is on the link. */
  readonly gateway?: string;
  /** Index of the interface that packets leave by. */
  readonly index: number;
  /** Added to the interface's metric; the smaller goes first. Default 0. */
  readonly metric?: number;
}

/** A route as it is. It can be given back as a WindowsRouteSpec. */
export interface WindowsRoute extends WindowsRouteSpec {
  readonly destination: string;
  readonly family: Family;
  readonly metric: number;
  /** Who made it: NL_ROUTE_PROTOCOL of nldef.h; 3 an administrator. */
  readonly protocol: number;
}

/** Which way a packet would go. */
export interface WindowsRouteAnswer extends WindowsRoute {
  /** The source address that it gets. */
  readonly source: string;
}

/** A row as it is given to Windows. */
export function routeRow(luid: bigint, spec: Omit<WindowsRouteSpec, "index">): Uint8Array {
  const { gateway, metric = 0 } = spec;
  const prefix = destinationOf(spec);
  const hop = gateway === undefined ? unspecified(prefix.family) : parseAddress(gateway);
  if (hop.length !== prefix.octets.length) {
    const expected = `expected one of IPv${prefix.family}`;
    throw new DeviceError("E_DEVICE_OPTION", `gateway of ${formatPrefix(prefix)}: ${expected}, found ${gateway}`);
  }
  return MIB_IPFORWARD_ROW2.encode({
    InterfaceLuid: luid,
    DestinationPrefix: encodePrefix(prefix),
    NextHop: encodeAddress(hop),
    ValidLifetime: LIFETIME_INFINITE,
    PreferredLifetime: LIFETIME_INFINITE,
    Metric: metric,
    Protocol: MIB_IPPROTO_NETMGMT,
    Immortal: 1,
    Origin: NlroManual,
  });
}

/** @throws DeviceError E_DEVICE_BUSY when the same destination, gateway and interface are taken */
export function addRoute(system: WindowsSystem, luid: bigint, spec: WindowsRouteSpec): void {
  checkWindows(`adding ${nameOf(spec)}`, system.iphlpapi().CreateIpForwardEntry2(routeRow(luid, spec)));
}

/** Adds it, in the place of one with the same destination, gateway and interface. */
export function replaceRoute(system: WindowsSystem, luid: bigint, spec: WindowsRouteSpec): void {
  const { CreateIpForwardEntry2, DeleteIpForwardEntry2 } = system.iphlpapi();
  const row = routeRow(luid, spec);
  const error = CreateIpForwardEntry2(row);
  if (error !== ERROR_OBJECT_ALREADY_EXISTS) {
    checkWindows(`adding ${nameOf(spec)}`, error);
    return;
  }
  checkWindows(`replacing ${nameOf(spec)}`, DeleteIpForwardEntry2(row), ERROR_NOT_FOUND);
  checkWindows(`replacing ${nameOf(spec)}`, CreateIpForwardEntry2(row));
}

/** @throws DeviceError E_DEVICE_MISSING when there is none */
export function removeRoute(system: WindowsSystem, luid: bigint, spec: WindowsRouteSpec): void {
  checkWindows(`removing ${nameOf(spec)}`, system.iphlpapi().DeleteIpForwardEntry2(routeRow(luid, spec)));
}

/** Of both families and all interfaces. */
export function routes(system: WindowsSystem): WindowsRoute[] {
  const shape = { what: "routes", rowBytes: MIB_IPFORWARD_ROW2.bytes };
  const { GetIpForwardTable2 } = system.iphlpapi();
  return tableRows(system, shape, (table) => GetIpForwardTable2(AF_UNSPEC, table)).map(parseRoute);
}

/**
 * Which way a packet to `destination` would go now.
 * @throws DeviceError E_DEVICE_SYSTEM when there is none
 */
export function lookupRoute(system: WindowsSystem, destination: string, luid?: bigint): WindowsRouteAnswer {
  const row = new Uint8Array(MIB_IPFORWARD_ROW2.bytes);
  const source = new Uint8Array(SOCKADDR_INET.bytes);
  const to = encodeAddress(parseAddress(destination));
  const by = luid === undefined ? null : luidOctets(luid);
  const error = system.iphlpapi().GetBestRoute2(by, 0, null, to, 0, row, source);
  if (error !== 0) throw windowsError(`looking up the route to ${destination}`, error);
  return { ...parseRoute(row), source: formatAddress(decodeAddress(source)) };
}

function parseRoute(row: Uint8Array): WindowsRoute {
  const found = MIB_IPFORWARD_ROW2.decode(row);
  const prefix = decodePrefix(found.DestinationPrefix);
  const hop = decodeAddress(found.NextHop);
  const hasGateway = hop.some((octet) => octet !== 0);
  return {
    destination: prefix.prefixLength === 0 ? "default" : formatPrefix(prefix),
    family: prefix.family,
    ...(hasGateway ? { gateway: formatAddress(hop) } : {}),
    index: found.InterfaceIndex,
    metric: found.Metric,
    protocol: found.Protocol,
  };
}

function destinationOf({ destination = "default", gateway, family }: Omit<WindowsRouteSpec, "index">): IpPrefix {
  if (destination !== "default") return parsePrefix(destination);
  const which = family ?? (gateway?.includes(":") === true ? 6 : 4);
  return { family: which, octets: unspecified(which), prefixLength: 0 };
}

function nameOf({ destination = "default", gateway }: WindowsRouteSpec): string {
  return `the route to ${destination}${gateway === undefined ? "" : ` by ${gateway}`}`;
}
