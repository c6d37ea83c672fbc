// What can be changed and asked about an open device itself.
import { checkChange, DeviceError, type DeviceChange, type DeviceState, type Medium } from "@bunnel/device";
import { LINUX_CAPABILITIES } from "./driver-capabilities.ts";
import { systemError } from "./errors.ts";
import { inNamespaceOf } from "./namespace.ts";
import { RouteNetlink } from "./netcfg/index.ts";
import type { TunDetails } from "./netcfg/link-kinds.ts";
import { parseOwnMac } from "./netcfg/mac-text.ts";
import * as sys from "./sys.ts";
import { describeDescriptor, readMac, sendBufferBytes, tell } from "./tun-requests.ts";

/** Largest user and group number: the one above means none. */
const ID_MAX = 0xfffffffe;
const I32_MAX = 0x7fffffff;
const U16_MAX = 0xffff;
const U32_MAX = 0xffffffff;

/** The device that is spoken of. */
export interface TunUnderChange {
  readonly fd: number;
  readonly name: string;
  readonly medium: Medium;
}

const NUMBER_LIMITS = {
  owner: [0, ID_MAX],
  group: [0, ID_MAX],
  linkType: [0, U16_MAX],
  logMask: [0, U32_MAX],
  sendBufferBytes: [1, I32_MAX],
} as const;

/**
 * Checks a change before anything is done.
 * @throws DeviceError E_DEVICE_OPTION, E_UNSUPPORTED
 */
export function checkSettings(change: DeviceChange, medium: Medium): void {
  checkChange(LINUX_CAPABILITIES, change);
  for (const [what, [min, max]] of Object.entries(NUMBER_LIMITS)) {
    const value = change[what as keyof typeof NUMBER_LIMITS];
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) continue;
    throw new DeviceError("E_DEVICE_OPTION", `${what}: expected ${min} to ${max}, found ${value}`);
  }
  if (change.mac === undefined) return;
  if (medium !== "ethernet") {
    throw new DeviceError("E_DEVICE_OPTION", "mac: expected an ethernet device, found one of IP packets");
  }
  parseOwnMac(change.mac);
}

/**
 * Makes a change, one request each, in an order in which the kernel takes them.
 * @throws DeviceError E_DEVICE_STATE for a link type while the interface is up, E_DEVICE_GONE, E_DEVICE_SYSTEM
 */
export function applySettings(device: TunUnderChange, change: DeviceChange): void {
  const { fd } = device;
  const set = <T>(what: string, value: T | undefined, request: (fd: number, value: T) => number) => {
    if (value === undefined) return;
    const errno = request(fd, value);
    if (errno !== 0) throw settingError(device, what, value, errno);
  };
  set("link type", change.linkType, tell.linkType);
  set("hardware address", change.mac, tell.mac);
  set("owner", change.owner, tell.owner);
  set("group", change.group, tell.group);
  set("send buffer", change.sendBufferBytes, tell.sendBufferBytes);
  set("log mask", change.logMask, tell.logMask);
  set("carrier", change.carrier, tell.carrier);
  if (change.queue !== describeDescriptor(fd)?.queue) set("queue", change.queue, tell.queue);
  set("persistence", change.persistent, tell.persistent);
}

/** @throws DeviceError E_DEVICE_GONE when the interface was deleted, E_UNSUPPORTED for what is no TUN descriptor */
export function readState({ fd, name, medium }: TunUnderChange): DeviceState {
  const described = describeDescriptor(fd);
  if (!described) {
    const errno = sys.errno();
    if (errno === sys.EBADFD) throw gone(name, "asking for the state of", errno);
    const expected = "expected a descriptor of the TUN driver, found another";
    throw new DeviceError("E_UNSUPPORTED", `state of ${name}: ${expected}`, errno);
  }
  const details = inNamespaceOf(fd, () => detailsOf(described.name));
  return {
    name: described.name,
    persistent: described.persistent,
    multiQueue: described.multiQueue,
    queue: described.queue,
    sendBufferBytes: sendBufferBytes(fd),
    ...(medium === "ethernet" ? { mac: readMac(fd) } : {}),
    ...(details?.owner === undefined ? {} : { owner: details.owner }),
    ...(details?.group === undefined ? {} : { group: details.group }),
    queues: details?.queues ?? 1,
    detachedQueues: details?.disabledQueues ?? 0,
  };
}

function detailsOf(name: string): TunDetails | undefined {
  using netlink = RouteNetlink.open();
  const details = netlink.link(name)?.details;
  return details?.kind === "tun" ? details : undefined;
}

function settingError({ name }: TunUnderChange, what: string, value: unknown, errno: number): DeviceError {
  if (errno === sys.EBADFD) return gone(name, `setting the ${what} of`, errno);
  if (errno === sys.EBUSY && what === "link type") {
    return new DeviceError("E_DEVICE_STATE", `link type of ${name}: expected the interface down, found it up`, errno);
  }
  if (errno === sys.EINVAL && what === "queue") {
    const expected = "expected a device opened with multiQueue, found one queue";
    return new DeviceError("E_DEVICE_STATE", `queue of ${name}: ${expected}`, errno);
  }
  return systemError(`setting the ${what} of ${name} to ${String(value)}`, errno);
}

function gone(name: string, doing: string, errno: number): DeviceError {
  return new DeviceError("E_DEVICE_GONE", `${doing} ${name}: expected an interface, found it deleted`, errno);
}
