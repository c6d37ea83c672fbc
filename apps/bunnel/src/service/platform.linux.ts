// The Linux parts, joined: devices and interception from @bunnel/tun-linux, raw sockets from @bunnel/egress.
import { existsSync, readFileSync } from "node:fs";
import { startLaneWorker, type AnswerDns, type StreamCarrier, type TunPlatform, type Uplinks } from "@bunnel/backend";
import { openRawEgress } from "@bunnel/egress";
import { DeviceError, type Interception, type InterceptionOptions, type TunDevice } from "@bunnel/device";
import {
  followNetwork,
  interceptNft,
  interceptRules,
  isTunnel,
  NetworkEvents,
  LinuxTun,
  openInboundTap,
  openLinuxTun,
  openTunQueue,
  OUR_MARK,
  RouteNetlink,
  sweepInterception,
  type LinuxInterception,
} from "@bunnel/tun-linux";
import { selectionOf, type Profile } from "@bunnel/profile";
import { startSpareRelay } from "@bunnel/stream";
import { missingCapabilities } from "../privileges/capabilities.linux.ts";
import { relayCarrier } from "../stream/carrier.ts";
import { openDatagrams } from "../stream/carry.ts";
import type { WatchedRelays } from "../stream/watched-relays.ts";
import { Coalesced } from "./coalesced.ts";
import { laneThread } from "./spare-lane.ts";

export interface LinuxPlatformOptions {
  /** File that holds what has to be put back. */
  readonly statePath: string;
  /** A sweep leaves what a kill switch closed. */
  readonly keepClosed?: boolean;
  /** Packets of other machines come up, too: answers to them are seen on their way to them. */
  readonly forwards?: boolean;
  /** Called when an interception was brought in step with the network; with its uplinks. */
  readonly onNetwork?: (uplinks: readonly string[]) => void;
  /** Called when that failed: what was in force stays. */
  readonly onError?: (error: unknown) => void;
}

/** Carries flows of stream rules by sockets that are not taken into the device, and answers DNS over TCP. */
export function linuxCarrier(answerDns?: AnswerDns, watched?: WatchedRelays): StreamCarrier {
  const outside = { mark: OUR_MARK, openDatagrams: (profile: Profile) => openDatagrams(profile, OUR_MARK), watched };
  return relayCarrier(outside, answerDns);
}

/** Starts the first relay's thread ahead where rules want connections: it takes longer to load than all else. */
export function readyRelays(profile: Profile): void {
  if (selectionOf(profile).stream !== undefined) startSpareRelay();
}

export function linuxPlatform(options: LinuxPlatformOptions): TunPlatform {
  const { statePath } = options;
  return {
    name: "linux",
    unsupported,
    openDevice: openLinuxTun,
    openQueue,
    setMtu,
    addAddresses,
    deviceDropped,
    openEgress: () => openRawEgress({ mark: OUR_MARK }),
    openTap: () => openInboundTap({ forwarded: options.forwards === true }),
    intercept: (method, asked) => {
      const intercept = method === "nft" ? interceptNft : interceptRules;
      return followed(intercept(asked, { statePath }), { ...options, changed: asked.changed }, namesCgroups(asked));
    },
    sweep: () => sweepInterception({ statePath, keepClosed: options.keepClosed === true }),
    uplinks: readUplinks,
    hasIpv6,
    startLane: (parts) => startLaneWorker(laneThread(), parts),
  };
}

function openQueue(first: TunDevice): TunDevice {
  if (first instanceof LinuxTun) return openTunQueue(first);
  throw new DeviceError("E_DEVICE_OPTION", `queue of ${first.name}: expected a device of this driver, found another`);
}

/** What the system gives to a device is sent from its side: it counts there. */
function deviceDropped({ index }: TunDevice): number {
  using netlink = RouteNetlink.open();
  return netlink.link(index)?.statistics.sendDropped ?? 0;
}

function addAddresses({ index }: TunDevice, addresses: readonly string[]): void {
  using netlink = RouteNetlink.open();
  const present = new Set(netlink.addresses(index).map(({ address }) => address));
  for (const address of addresses.filter((each) => !present.has(each))) {
    // Traffic flows already: no connection of a program shall take it for its own (RFC 6724, rule 3).
    const isForUs = address.includes(":") ? { preferredSeconds: 0 } : {};
    netlink.addAddress(index, address, { noDad: true, ...isForUs });
  }
}

function setMtu({ index }: TunDevice, mtuBytes: number): void {
  using netlink = RouteNetlink.open();
  netlink.setLink(index, { mtuBytes });
}

function namesCgroups({ include, exclude }: InterceptionOptions): boolean {
  return [include, exclude].some((owners) => (owners?.cgroups ?? []).length > 0);
}

/** Control groups come and go, and nobody tells. */
const CGROUPS_EVERY_MS = 1_000;

interface Following extends LinuxPlatformOptions {
  readonly changed: (() => void) | undefined;
}

/** An interception that follows the network: uplinks come and go while it is in force. */
function followed(
  interception: LinuxInterception,
  { onNetwork, onError, changed }: Following,
  cgroups: boolean,
): Interception {
  const events = NetworkEvents.open();
  // With no uplink for a moment a refresh fails: what was in force stays, and it is tried again.
  const refresh = new Coalesced(() => {
    try {
      if (interception.refresh()) onNetwork?.(interception.uplinks);
      changed?.();
    } catch (error) {
      onError?.(error);
      throw error;
    }
  });
  const ask = (): boolean => {
    refresh.ask();
    return false;
  };
  void followNetwork({ refresh: ask }, events);
  let timer = cgroups ? setInterval(ask, CGROUPS_EVERY_MS) : undefined;
  const ended = (end: () => void) => (): void => {
    clearInterval(timer);
    events.close();
    refresh[Symbol.dispose]();
    end();
  };
  const close = ended(() => interception.close());
  return {
    method: interception.method,
    swept: interception.swept,
    get uplinks() {
      return interception.uplinks;
    },
    close,
    reselect: (asked) => {
      if (interception.reselect?.(asked) !== true) return false;
      if (namesCgroups(asked)) timer ??= setInterval(ask, CGROUPS_EVERY_MS);
      return true;
    },
    ...(interception.release && { release: ended(() => interception.release?.()) }),
    [Symbol.dispose]: close,
  };
}

function unsupported(): string | undefined {
  if (process.platform !== "linux") return `packet mode needs Linux, this is ${process.platform}`;
  const missing = missingCapabilities(["CAP_NET_ADMIN", "CAP_NET_RAW"]);
  if (missing.length > 0) {
    return `carrying traffic needs ${missing.join(" and ")}: run it as root, for example with sudo`;
  }
  if (!existsSync("/dev/net/tun")) {
    return "/dev/net/tun does not exist: load the driver with `modprobe tun`; a container needs --device /dev/net/tun";
  }
  return undefined;
}

/** The links with a default route in the main table, of either family, and their smallest MTU. */
export function readUplinks(): Uplinks {
  using netlink = RouteNetlink.open();
  const indexes = new Set<number>();
  for (const family of [4, 6] as const) {
    for (const route of netlink.routes({ family, table: MAIN_TABLE })) {
      if (route.destination === "default" && route.index !== undefined && route.index > 0) indexes.add(route.index);
    }
  }
  const links = netlink.links().filter((link) => indexes.has(link.index) && !isTunnel(link));
  const mtuBytes = Math.min(...links.map((link) => link.mtuBytes));
  return { names: links.map((link) => link.name), mtuBytes: links.length === 0 ? DEFAULT_MTU : mtuBytes };
}

/** A device made now has IPv6 unless the system has none, or has it switched off for new devices. */
function hasIpv6(): boolean {
  try {
    return readFileSync("/proc/sys/net/ipv6/conf/default/disable_ipv6", "utf8").trim() === "0";
  } catch {
    return false;
  }
}

/** RT_TABLE_MAIN (linux/rtnetlink.h) */
const MAIN_TABLE = 254;
const DEFAULT_MTU = 1500;
