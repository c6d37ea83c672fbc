// A system on which everything leaves by sockets, joined: the device of @bunnel/tun, routes that lead into it, and
// sockets of @bunnel/stream that are bound past it. What differs between macOS and Windows comes as `SocketsSystem`.
import { startLaneWorker, type AnswerDns, type StreamCarrier, type TunPlatform } from "@bunnel/backend";
import {
  DeviceError,
  type DeviceHandOver,
  type DeviceOptions,
  type Interception,
  type InterceptionOptions,
  type TunDevice,
} from "@bunnel/device";
import type { Profile } from "@bunnel/profile";
import type { SocketSystem } from "@bunnel/stream";
import type { Driver, DriverEvents } from "@bunnel/tun";
import { Coalesced } from "../service/coalesced.ts";
import type { ServiceUser } from "../privileges/service-user.ts";
import { relayCarrier } from "../stream/carrier.ts";
import { openDatagrams } from "./datagrams.ts";
import { DeviceMtu } from "./device-mtu.ts";
import { DeviceOut } from "./device-out.ts";
import { packetProfile } from "./packet-profile.ts";
import { Routes } from "./routes.ts";
import { Uplink } from "./uplink.ts";

/** What differs between the systems. */
export interface SocketsSystem {
  /** As `process.platform` has it. */
  readonly name: NodeJS.Platform;
  /** As people call it. */
  readonly title: string;
  readonly driver: Driver;
  /** Whose sockets the relay has. Default: those of the system that runs. */
  readonly sockets?: SocketSystem;
  /** Why it cannot run here, as a sentence; undefined: it can. */
  unsupported(): string | undefined;
  /** Gives up what a running service does not need; for the audit log what that was. */
  giveUp(user: ServiceUser | undefined): Readonly<Record<string, unknown>>;
  /** Of the options of a backend's device, those that the system has, as it has them. */
  deviceOptions(options: DeviceOptions): DeviceOptions;
}

export interface SocketsPlatformOptions {
  /** Of these interfaces one is the way out; none: any with a default route. */
  readonly uplinks: readonly string[];
  /** Called when the network has changed; with the uplink. */
  readonly onNetwork?: (uplinks: readonly string[]) => void;
  /** Called when it could not be followed: what was in force stays. */
  readonly onError?: (error: unknown) => void;
}

/** A platform, and whoever carries on what comes up. */
export interface SocketsPlatform {
  readonly platform: TunPlatform;
  carrier(answerDns?: AnswerDns): StreamCarrier;
  /** Called once, when all is open. @throws Error when it cannot; the process must then end */
  giveUp(user: ServiceUser | undefined): Readonly<Record<string, unknown>>;
}

export function socketsPlatform(system: SocketsSystem, options: SocketsPlatformOptions): SocketsPlatform {
  const { driver } = system;
  const uplink = new Uplink(() => driver.openNetwork(), options.uplinks);
  const device = new CurrentDevice(system);
  const profiles = new WeakMap<Profile, Profile>();
  const platform: TunPlatform = {
    name: system.name,
    unsupported: () => system.unsupported(),
    packetProfile(profile) {
      const known = profiles.get(profile) ?? packetProfile(profile, system.title);
      profiles.set(profile, known);
      return known;
    },
    openDevice: (asked) => device.open(asked),
    openEgress: () => device.out(),
    intercept: (_method, asked) => intercept({ system, uplink, mtu: device.mtu }, asked, options),
    // The device has gone with the process that made it, and its routes with the device.
    sweep: () => ({ removed: [] }),
    uplinks: () => ({ names: [uplink.state.name], mtuBytes: device.mtu.within(uplink.state.mtuBytes) }),
    setMtu: (_open, mtuBytes) => device.mtu.set(mtuBytes),
    clientsHaveDeviceAddress: true,
    hasIpv6: () => true,
    startLane: (parts) => startLaneWorker(new Worker(new URL("./socket-lane.worker.ts", import.meta.url).href), parts),
  };
  const sockets = { form: "portable" as const, ...(system.sockets && { system: system.sockets }) };
  return {
    platform,
    carrier: (answerDns) =>
      relayCarrier(
        {
          ...{ ...sockets, uplink },
          openDatagrams: (profile) => {
            const mtuBytes = (): number => device.mtu.heldBytes ?? uplink.state.mtuBytes;
            return openDatagrams(profile, { uplink, mtuBytes, out: device.out(), system: system.sockets });
          },
        },
        answerDns,
      ),
    giveUp(user) {
      const report = system.giveUp(user);
      device.mtu.fix();
      return report;
    },
  };
}

/** The device, for those who write into it, whenever it is opened. */
class CurrentDevice {
  #device: TunDevice | undefined;
  #own: string[] = [];
  readonly mtu: DeviceMtu;

  constructor(private readonly system: SocketsSystem) {
    this.mtu = new DeviceMtu(() => system.driver.openNetwork());
  }

  open(asked: DeviceOptions): TunDevice {
    const options = this.system.deviceOptions(asked);
    const addresses = (options.addresses ?? []).map((each) => (typeof each === "string" ? each : each.address));
    this.#own = addresses.map((address) => address.split("/")[0] ?? "");
    const device = this.system.driver.open(options);
    this.mtu.opened(device.index);
    return (this.#device = device);
  }

  /** A way into it; to be used once it is open. */
  out(): DeviceOut {
    const handOver = (): DeviceHandOver => {
      if (this.#device !== undefined) return this.#device.handOver();
      throw new DeviceError("E_DEVICE_STATE", "device: expected it open, found none");
    };
    const open = (given: DeviceHandOver): TunDevice => this.system.driver.openTransferred(given);
    return new DeviceOut({ handOver, open, own: () => this.#own });
  }
}

/** What an interception works with. */
interface Ways {
  readonly system: SocketsSystem;
  readonly uplink: Uplink;
  readonly mtu: DeviceMtu;
}

/** Routes lead everything into the device, as long as this lasts, and follow the network. */
function intercept(
  { system: { driver }, uplink, mtu }: Ways,
  { deviceIndex, killSwitch, changed, ...asked }: InterceptionOptions,
  { onNetwork, onError }: SocketsPlatformOptions,
): Interception {
  if (killSwitch === true) {
    throw new DeviceError("E_UNSUPPORTED", `kill switch: expected Linux, found ${driver.capabilities.platform}`);
  }
  // Opened as who may change routes, and kept: the service is somebody else later.
  const network = driver.openNetwork();
  const routes = new Routes(network, deviceIndex, leftAloneBy(asked));
  mtu.led(routes);
  // Before the first look: what changes from here on is told.
  const events: DriverEvents<"link" | "route"> = network.watch({ topics: ["link", "route"] });
  const refresh = new Coalesced(() => {
    try {
      const before = uplink.name;
      const found = uplink.look(deviceIndex);
      routes.set(found?.families ?? []);
      if (found !== undefined && found.name !== before) onNetwork?.([found.name]);
      changed?.();
    } catch (error) {
      onError?.(error);
      throw error;
    }
  });
  const close = (): void => {
    events.close();
    refresh[Symbol.dispose]();
    mtu.led(undefined);
    routes[Symbol.dispose]();
    network.close();
  };
  try {
    routes.set(uplink.state.families);
  } catch (error) {
    close();
    throw error;
  }
  void follow(events, () => refresh.ask()).catch((error: unknown) => onError?.(error));
  return {
    method: "routes",
    get uplinks() {
      return [uplink.name];
    },
    reselect(next) {
      routes.lead(leftAloneBy(next), uplink.state.families);
      return true;
    },
    close,
    [Symbol.dispose]: close,
  };
}

function leftAloneBy({ excludes = [], select }: Pick<InterceptionOptions, "excludes" | "select">): string[] {
  return [...excludes, ...(select.except?.addresses ?? [])];
}

async function follow(events: AsyncIterable<unknown>, tell: () => void): Promise<void> {
  for await (const _event of events) tell();
}
