// Interfaces, addresses and routes: read and changed by the routing socket and by requests to interfaces.
import * as errors from "./errors.ts";
import {
  aliasOf,
  InterfaceControl,
  type NetworkAlias,
  type BsdAddressOptions,
  type BsdLinkChange,
} from "./interface-control.ts";
import * as ip from "./ip-text.ts";
import { readAddress, readLink, routeOf, type BsdAddress, type BsdLink, type BsdRoute } from "./network-info.ts";
import * as rtm from "./route-message.ts";
import { BsdEvents, RouteSocket, type WatchOptions } from "./route-socket.ts";
import { inetAddress, linkAddress } from "./socket-address.ts";
import type { Calls } from "./sys.ts";

const NET_RT_DUMP = 1;

/** The interface that is spoken of. */
export type BsdLinkName = Pick<BsdLink, "name" | "index" | "pointToPoint">;

export interface BsdRouteSpec {
  /** "203.0.113.0/24", "::/0". */
  readonly destination: string;
  /** Left out: straight out of the interface. */
  readonly gateway?: string;
  /** The interface; may be left out where the gateway tells it. */
  readonly index?: number;
  /** Default: that of the interface. */
  readonly mtuBytes?: number;
  /** Packets that take it are answered with "unreachable", or vanish. */
  readonly type?: "unicast" | "unreachable" | "blackhole";
}

export class BsdNetwork implements Disposable {
  readonly #calls: Calls;
  readonly #control: InterfaceControl;
  #socket: RouteSocket | undefined;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#control = new InterfaceControl(calls);
  }

  /** @throws DeviceError E_DEVICE_SYSTEM */
  links(): BsdLink[] {
    const { system } = this.#calls.environment;
    const list = rtm.splitMessages(system, this.#list(system.NET_RT_IFLIST, 0));
    const links = list.filter(({ type }) => type === system.link.type).map(({ octets }) => readLink(system, octets));
    return links.filter((link) => link !== undefined);
  }

  link(nameOrIndex: string | number): BsdLink | undefined {
    return this.links().find(({ name, index }) => name === nameOrIndex || index === nameOrIndex);
  }

  /** Of one interface, or of all. */
  addresses(index = 0): BsdAddress[] {
    const { system } = this.#calls.environment;
    const list = rtm.splitMessages(system, this.#list(system.NET_RT_IFLIST, index));
    const all = list.filter(({ type }) => type === rtm.RTM_NEWADDR).map(({ octets }) => readAddress(system, octets));
    return all.filter((address) => address !== undefined).filter((each) => index === 0 || each.index === index);
  }

  /**
   * Changes what is named.
   * @throws DeviceError E_DEVICE_OPTION for an MTU that the interface cannot have, E_DEVICE_GONE, E_DEVICE_DENIED,
   * E_UNSUPPORTED for what the system has no request for
   */
  setLink(name: string, change: BsdLinkChange): void {
    this.#control.set(name, change);
  }

  /**
   * The address, and by the system's own doing or ours the route to its network.
   * @param address with its prefix length
   * @throws DeviceError E_DEVICE_OPTION, E_DEVICE_BUSY when it is there already, E_DEVICE_GONE
   */
  addAddress(link: BsdLinkName, address: string, options: BsdAddressOptions = {}): void {
    const alias = aliasOf(address, link.pointToPoint, options);
    this.#control.addAlias(link.name, address, alias);
    this.#setConnectedRoute(link, alias, options.connectedRoute ?? true);
  }

  /**
   * @param address with its prefix length, as it was added
   * @throws DeviceError E_DEVICE_MISSING when the interface does not have it
   */
  removeAddress(link: BsdLinkName, address: string): void {
    const { octets, ...prefix } = ip.parsePrefix(address);
    this.#control.removeAlias(link.name, octets);
    if (!needsRoute(link, { ...prefix, octets })) return;
    this.#removeIfThere(link.index, { ...prefix, octets });
  }

  routes(): BsdRoute[] {
    const { system } = this.#calls.environment;
    const list = rtm.splitMessages(system, this.#list(NET_RT_DUMP, 0));
    const all = list.map((message) => rtm.readRoute(system, message)).map((read) => read && routeOf(system, read));
    return all.filter((route) => route !== undefined);
  }

  /** @throws DeviceError E_DEVICE_BUSY when there is one to the destination, E_DEVICE_OPTION, E_DEVICE_SYSTEM */
  addRoute(spec: BsdRouteSpec): void {
    errors.check(`adding a route to ${spec.destination}`, this.#route(rtm.RTM_ADD, spec));
  }

  /** @throws DeviceError E_DEVICE_MISSING when there is none */
  changeRoute(spec: BsdRouteSpec): void {
    errors.check(`changing the route to ${spec.destination}`, this.#route(rtm.RTM_CHANGE, spec));
  }

  /** Adds it, or puts it in the place of the one to the same destination. */
  replaceRoute(spec: BsdRouteSpec): void {
    const errno = this.#route(rtm.RTM_ADD, spec);
    if (errno === errors.EEXIST) this.changeRoute(spec);
    else errors.check(`adding a route to ${spec.destination}`, errno);
  }

  /** @throws DeviceError E_DEVICE_MISSING when there is none */
  removeRoute(spec: BsdRouteSpec): void {
    errors.check(`removing the route to ${spec.destination}`, this.#route(rtm.RTM_DELETE, spec));
  }

  /** Which way a packet would go; undefined: none. */
  lookupRoute(destination: string): BsdRoute | undefined {
    const { system } = this.#calls.environment;
    const answer = this.#routing().ask({
      type: rtm.RTM_GET,
      flags: rtm.RTF_UP | rtm.RTF_HOST,
      // The place for the interface asks the system to name it.
      addresses: [
        [rtm.RTA_DST, inetAddress(system, ip.parseAddress(destination))],
        [rtm.RTA_IFP, linkAddress(system, 0)],
      ],
    });
    return answer && routeOf(system, answer);
  }

  /** Changes of interfaces, addresses and routes from now on. */
  watch(options?: WatchOptions): BsdEvents {
    return new BsdEvents(this.#calls, options);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #list(what: number, argument: number): Uint8Array {
    const list = this.#calls.routeList(what, argument);
    if (typeof list !== "number") return list;
    throw errors.systemError("listing interfaces and routes", list);
  }

  #routing(): RouteSocket {
    return (this.#socket ??= new RouteSocket(this.#calls));
  }

  /** 0, or the errno. */
  #route(type: number, spec: BsdRouteSpec): number {
    const { system } = this.#calls.environment;
    const prefix = ip.parsePrefix(spec.destination);
    const { octets, prefixLength } = prefix;
    const isHost = prefixLength === octets.length * 8;
    const gateway = gatewayOf(this.#calls, spec);
    const addresses: [number, Uint8Array][] = [[rtm.RTA_DST, inetAddress(system, ip.networkOf(prefix))]];
    if (gateway) addresses.push([rtm.RTA_GATEWAY, gateway]);
    if (!isHost) addresses.push([rtm.RTA_NETMASK, inetAddress(system, ip.maskOf(prefixLength, octets.length))]);
    const flags =
      rtm.RTF_UP |
      rtm.RTF_STATIC |
      (isHost ? rtm.RTF_HOST : 0) |
      (spec.gateway === undefined ? 0 : rtm.RTF_GATEWAY) |
      (spec.type === "unreachable" ? rtm.RTF_REJECT : 0) |
      (spec.type === "blackhole" ? rtm.RTF_BLACKHOLE : 0);
    const { mtuBytes, index } = spec;
    return this.#routing().request({
      type,
      flags,
      addresses,
      ...(mtuBytes === undefined ? {} : { mtuBytes }),
      ...(index === undefined ? {} : { index }),
    });
  }

  /** Of a point-to-point interface the system routes IPv4 to the other end only; of all others to the whole network. */
  #setConnectedRoute(link: BsdLinkName, { prefix }: NetworkAlias, isWanted: boolean): void {
    if (prefix.prefixLength === prefix.octets.length * 8) return;
    if (needsRoute(link, prefix)) {
      if (isWanted) this.replaceRoute({ destination: networkText(prefix), index: link.index });
    } else if (!isWanted) {
      this.#removeIfThere(link.index, prefix);
    }
  }

  #removeIfThere(index: number, prefix: ip.IpPrefix): void {
    const destination = networkText(prefix);
    const errno = this.#route(rtm.RTM_DELETE, { destination, index });
    if (errno !== errors.ESRCH) errors.check(`removing the route to ${destination}`, errno);
  }
}

/** Whether the route to an address's network is ours to make. */
function needsRoute({ pointToPoint }: BsdLinkName, { family, prefixLength }: ip.IpPrefix): boolean {
  return pointToPoint && family === 4 && prefixLength < 32;
}

function networkText(prefix: ip.IpPrefix): string {
  return ip.formatPrefix(ip.networkOf(prefix), prefix.prefixLength);
}

/** Systems want a gateway of every route; what leads nowhere has the loopback's address. */
function gatewayOf(calls: Calls, { destination, gateway, index, type = "unicast" }: BsdRouteSpec) {
  const { system } = calls.environment;
  if (gateway !== undefined) return inetAddress(system, ip.parseAddress(gateway));
  if (type !== "unicast") return inetAddress(system, ip.parseAddress(destination.includes(":") ? "::1" : "127.0.0.1"));
  return index === undefined ? undefined : linkAddress(system, index);
}
