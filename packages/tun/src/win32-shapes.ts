// What Windows tells of its network, in the words of this package. What Windows does not know is 0, false or empty.
import type { AddressInfo, LinkInfo, LinkStatistics, NeighbourInfo, RouteInfo } from "@bunnel/tun-linux";
import type { WindowsAddress, WindowsInterface, WindowsNeighbour, WindowsRoute } from "@bunnel/tun-win32";

/** linux/if.h: the flags of an interface that have a meaning on Windows. */
const UP = 0x1;
const LOOPBACK = 0x8;
const POINT_TO_POINT = 0x10;
const RUNNING = 0x40;
const MULTICAST = 0x1000;
/** linux/if_arp.h */
const TYPE_ETHERNET = 1;
const TYPE_LOOPBACK = 772;
const TYPE_NONE = 65534;
/** linux/rtnetlink.h: the one table of routes that there is, and scopes. */
export const TABLE_MAIN = 254;
const SCOPE_LINK = 253;

const NO_STATISTICS: LinkStatistics = {
  receivedPackets: 0,
  sentPackets: 0,
  receivedBytes: 0,
  sentBytes: 0,
  receiveErrors: 0,
  sendErrors: 0,
  receiveDropped: 0,
  sendDropped: 0,
  receivedMulticast: 0,
  collisions: 0,
  receiveLengthErrors: 0,
  receiveOverErrors: 0,
  receiveCrcErrors: 0,
  receiveFrameErrors: 0,
  receiveFifoErrors: 0,
  receiveMissedErrors: 0,
  sendAbortedErrors: 0,
  sendCarrierErrors: 0,
  sendFifoErrors: 0,
  sendHeartbeatErrors: 0,
  sendWindowErrors: 0,
  receivedCompressed: 0,
  sentCompressed: 0,
  receivedUnhandled: 0,
  receivedForOthers: 0,
};

export function linkOf(found: WindowsInterface): LinkInfo {
  const { up, running, loopback, mac } = found;
  const isEthernet = mac !== undefined;
  const bits: readonly (readonly [boolean, number])[] = [
    [up, UP],
    [running, RUNNING],
    [loopback, LOOPBACK],
    [!isEthernet && !loopback, POINT_TO_POINT],
    [true, MULTICAST],
  ];
  return {
    index: found.index,
    name: found.name,
    alternativeNames: [],
    alias: found.description,
    mtuBytes: found.mtuBytes,
    up,
    running,
    carrier: running,
    carrierChanges: 0,
    operState: running ? "up" : "down",
    flags: bits.reduce((sum, [isOn, bit]) => (isOn ? sum | bit : sum), 0),
    loopback,
    pointToPoint: !isEthernet && !loopback,
    arp: isEthernet,
    multicast: true,
    allMulticast: false,
    promiscuous: false,
    promiscuity: 0,
    hardwareType: loopback ? TYPE_LOOPBACK : isEthernet ? TYPE_ETHERNET : TYPE_NONE,
    group: 0,
    txQueueLength: 0,
    txQueues: 1,
    rxQueues: 1,
    ...(isEthernet ? { mac } : {}),
    statistics: {
      ...NO_STATISTICS,
      receivedPackets: Number(found.rxPackets),
      sentPackets: Number(found.txPackets),
      receivedBytes: Number(found.rxBytes),
      sentBytes: Number(found.txBytes),
    },
  };
}

export function addressOf({ index, family, address, preferred, ...lifetimes }: WindowsAddress): AddressInfo {
  const isLinkLocal = /^fe[89ab]/.test(address);
  return {
    index,
    family,
    address,
    scope: isLinkLocal ? SCOPE_LINK : 0,
    flags: preferred ? 0 : 0x40,
    flagNames: preferred ? [] : ["tentative"],
    ...lifetimes,
    createdMs: 0,
    updatedMs: 0,
  };
}

export function routeOf({ destination, family, gateway, index, metric, protocol }: WindowsRoute): RouteInfo {
  return {
    destination,
    family,
    ...(gateway === undefined ? {} : { gateway }),
    index,
    metric,
    protocol,
    table: TABLE_MAIN,
    type: "unicast",
    scope: gateway === undefined ? SCOPE_LINK : 0,
    hops: [],
    flags: 0,
  };
}

export function neighbourOf({ index, address, mac, state }: WindowsNeighbour): NeighbourInfo {
  return {
    index,
    family: address.includes(":") ? 6 : 4,
    address,
    ...(mac === undefined ? {} : { mac }),
    state: state === "unreachable" ? "failed" : state,
    proxy: false,
    router: false,
    flags: 0,
  };
}
